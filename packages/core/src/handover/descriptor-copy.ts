import { errnoName } from '../ground/system-error.js';
import type { Poller, Readiness } from '../sys/sys.js';
import { type Breaks, type Copy, type CopyEnd, isClosed, isReset } from './copy.js';
import { BufferStore, type PipeStore, type Store } from './store.js';

/** One end of a direction that is copied by system calls. */
export interface CopyPort {
  readonly fd: number;
  readonly poller: Pick<Poller, 'until'>;
  /** Tells whoever reads at the other side that no more bytes come. */
  end(): void;
}

/** Why bytes cannot go through a pipe: a descriptor does not support it, or no pipe can be created. */
const NO_SPLICE = new Set(['EINVAL', 'EMFILE', 'ENFILE']);

/** After so many fills in a row the event loop gets a turn: a source and a sink can be ready all the time. */
const FILLS_IN_A_ROW = 8;

/** A session that has moved so many bytes gets larger pipes; most never do. */
const BULK = 1024 * 1024;

/** Copies from one descriptor to another within the kernel, by readiness. Where that cannot be done, by reads and writes. */
export class DescriptorCopy implements Copy {
  readonly #source: CopyPort;
  readonly #sink: CopyPort;
  readonly #breaks: Breaks;
  readonly #pipe: PipeStore;
  #store: Store;
  #bytes = 0;
  #fills = 0;
  #isStopped = false;
  readonly done: Promise<CopyEnd>;

  /** @param pipe Belongs to the copy. */
  constructor(source: CopyPort, sink: CopyPort, pipe: PipeStore, breaks: Breaks) {
    this.#source = source;
    this.#sink = sink;
    this.#breaks = breaks;
    this.#pipe = pipe;
    this.#store = pipe;
    this.done = this.#copy();
    this.done.catch(() => {}); // looked at by the relay, which may already be over
  }

  bytes(): number {
    return this.#bytes;
  }

  taken(): number {
    return this.#bytes - this.#store.held;
  }

  /** Ends it at once. The pollers of its ports are closed before, so that nothing waits for them any more. */
  stop(): void {
    this.#isStopped = true;
    this.#pipe.close();
  }

  async #copy(): Promise<CopyEnd> {
    for (;;) {
      const end = await this.#take();
      if (end !== undefined) {
        this.#sink.end();
        return end;
      }
      if (await this.#give()) continue;
      void this.#dropRest();
      return 'sink-closed';
    }
  }

  /** Takes what the source has. Returns how it has ended if it has. */
  async #take(): Promise<'ended' | 'reset' | undefined> {
    try {
      return (await this.#fill()) ? undefined : 'ended';
    } catch (error) {
      if (!isClosed(error)) throw this.#breaks.source(error);
      return isReset(error) ? 'reset' : 'ended';
    }
  }

  async #fill(): Promise<boolean> {
    if (++this.#fills % FILLS_IN_A_ROW === 0) await new Promise(setImmediate);
    const { fd, poller } = this.#source;
    const count = await this.#whenReady(poller, 'readable', (store) => store.fill(fd));
    this.#count(count);
    return count > 0;
  }

  #count(bytes: number): void {
    const wasBulk = this.#bytes >= BULK;
    this.#bytes += bytes;
    if (!wasBulk && this.#bytes >= BULK) this.#pipe.grow(this.#source.fd, this.#sink.fd);
  }

  /** Gives the sink what was taken; false if it takes no more. */
  async #give(): Promise<boolean> {
    const { fd, poller } = this.#sink;
    try {
      while (this.#store.held > 0) await this.#whenReady(poller, 'writable', (store) => store.drain(fd));
      return true;
    } catch (error) {
      if (!isClosed(error)) throw this.#breaks.sink(error);
      return false;
    }
  }

  async #dropRest(): Promise<void> {
    try {
      do this.#step((store) => store.drop());
      while (await this.#fill());
    } catch {
      // The source is over, or the relay is.
    }
  }

  async #whenReady(
    poller: CopyPort['poller'],
    what: Readiness,
    call: (store: Store) => number | undefined,
  ): Promise<number> {
    for (;;) {
      const count = this.#step(call);
      if (count !== undefined) return count;
      await poller.until(what);
    }
  }

  /** One system call, on descriptors that are still ours: after a wait they can be closed and their numbers reused. */
  #step<T>(call: (store: Store) => T): T {
    if (this.#isStopped) throw new Error('the relay is over');
    try {
      return call(this.#store);
    } catch (error) {
      if (!NO_SPLICE.has(errnoName(error) ?? '') || this.#store !== this.#pipe) throw error;
    }
    this.#store = new BufferStore(this.#pipe.takeAll());
    return call(this.#store);
  }
}
