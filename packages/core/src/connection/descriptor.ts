import type { Duplex } from 'node:stream';
import { type Clock, onAbort, systemClock } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { fromSystemError } from '../ground/system-error.js';
import { noTrace, type Trace } from '../ground/trace.js';
import type { Poller, Sys } from '../sys/sys.js';
import type { Connection } from './connection.js';
import { adoptFd, whenReady } from './descriptor-stream.js';
import { ExactReader } from './exact-reader.js';
import { CLOSED, checkBytes, givenAway } from './misuse.js';
import { acknowledgeAtOnce } from './socket-options.js';

/** What a connection reports to and waits by. */
export interface ConnectionServices {
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** A look at an answer whose length is not known: headers of proxies are seldom longer. */
const LOOK = 4096;
/** The most that is taken at once, however long a read is: its length can come from the other side. */
const CHUNK = 64 * 1024;
const MSG_PEEK = 2;

/** A connection by system calls on its descriptor, which it owns: TCP, unix and vsock sockets alike. */
export class DescriptorConnection implements Connection {
  readonly #sys: Sys;
  readonly #trace: Trace;
  readonly #clock: Clock;
  readonly #reader = new ExactReader();
  readonly #poller: Poller;
  #fd: number;
  #isPulling = false;
  /** We have just written, so the answer is not there yet: trying to read it would be a system call for nothing. */
  #awaitsAnswer = false;
  /** Until that fails: not every socket is one of TCP. */
  #acknowledges = true;
  /** Settles when the last write has: writes that wait for room must not mix. */
  #writing: Promise<void> = Promise.resolve();
  /** Once somebody has asked for it. */
  #end: { readonly isReached: boolean } | undefined;
  /** Why it cannot be used any more: it was destroyed or given away. */
  #over: { readonly reason: unknown } | undefined;
  /** What it became. */
  #stream: Duplex | undefined;

  /** @param fd A connected, non-blocking stream socket. */
  constructor(fd: number, sys: Sys, { trace = noTrace, clock = systemClock }: ConnectionServices = {}) {
    this.#fd = fd;
    this.#sys = sys;
    this.#trace = trace;
    this.#clock = clock;
    this.#poller = sys.poll(fd);
  }

  get descriptor(): number | undefined {
    return this.#fd === -1 ? undefined : this.#fd;
  }

  /** Waits for an event of the descriptor, e.g. for connect(2) to finish. */
  until(what: 'readable' | 'writable'): Promise<void> {
    return this.#poller.until(what);
  }

  read(length: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.read(length, what));
  }

  readThrough(missing: (soFar: Buffer) => number, limit: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.readThrough(missing, limit, what));
  }

  #reading(what: string, read: Promise<Buffer>): Promise<Buffer> {
    this.#trace({ event: 'waiting', for: what });
    void this.#pull();
    return read;
  }

  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    try {
      while (this.#reader.wanted > 0) {
        const isEnd = this.#reader.isOpenEnded ? await this.#look() : await this.#receive();
        if (isEnd) this.#reader.end();
      }
    } catch (error) {
      this.#reader.end(error);
    } finally {
      this.#isPulling = false;
    }
  }

  async #receive(): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(Math.min(this.#reader.wanted, CHUNK));
    const length = await this.#whenReadable(() => this.#sys.recv(this.#fd, buffer, this.#flags));
    this.#reader.take(buffer.subarray(0, length));
    this.#acknowledge();
    return length === 0;
  }

  /** Looks at what is there, then takes only what the read wants of it: two system calls instead of one for each line. */
  async #look(): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(LOOK);
    const length = await this.#whenReadable(() => this.#sys.recv(this.#fd, buffer, this.#flags | MSG_PEEK));
    const taken = this.#reader.take(buffer.subarray(0, length));
    this.#discard(taken);
    this.#acknowledge();
    return length === 0;
  }

  #acknowledge(): void {
    if (this.#acknowledges) this.#acknowledges = acknowledgeAtOnce(this.#fd, this.#sys);
  }

  /** Takes what a look has seen, at once: whoever waited for it can give the connection away next. */
  #discard(length: number): void {
    for (let left = length; left > 0; ) {
      const taken = this.#sys.recv(this.#fd, Buffer.allocUnsafe(left), this.#flags); // it can give less than it showed
      if (taken === 0) throw new FdpassError('internal', 'something else reads from this connection');
      left -= taken;
    }
  }

  async peek(limitMs: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafe(LOOK);
    let cancel = (): void => {};
    let release = (): void => {};
    const late = new Promise<number>((resolve, reject) => {
      cancel = this.#clock.after(limitMs, () => resolve(0));
      release = onAbort(signal, reject);
    });
    try {
      const look = this.#whenReadable(() => this.#sys.recv(this.#fd, buffer, this.#flags | MSG_PEEK));
      return buffer.subarray(0, await Promise.race([look, late]));
    } catch (error) {
      const isOurs = this.#over !== undefined || signal?.aborted === true;
      throw isOurs ? error : fromSystemError(error, 'the connection broke');
    } finally {
      cancel();
      release();
    }
  }

  /** Whether the other side has ended, even if its last words are still to be read. It is known some turns after the first call. */
  hasEnded(): boolean {
    this.#end ??= this.#watchEnd();
    return this.#end.isReached;
  }

  #watchEnd(): { isReached: boolean } {
    const end = { isReached: false };
    this.#poller.until('closed').then(
      () => {
        end.isReached = true;
      },
      () => {}, // destroyed: nobody asks any more
    );
    return end;
  }

  async #whenReadable(call: () => number): Promise<number> {
    if (this.#awaitsAnswer) {
      this.#awaitsAnswer = false;
      await this.#poller.until('readable');
    }
    return this.#whenReady('readable', call);
  }

  async write(bytes: Uint8Array): Promise<void> {
    checkBytes(bytes);
    const writing = this.#writing.then(() => this.#writeAll(bytes)).catch((error) => this.#failWrite(error));
    this.#writing = writing;
    return writing;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    const { MSG_NOSIGNAL = 0 } = this.#sys.platform.constants;
    for (let rest = bytes; rest.length > 0; ) {
      const part = rest;
      const send = (): number => this.#sys.send(this.#fd, part, this.#flags | MSG_NOSIGNAL);
      rest = rest.subarray(await this.#whenReady('writable', send));
    }
    this.#awaitsAnswer = true;
  }

  #failWrite(error: unknown): never {
    if (this.#over !== undefined) throw this.#over.reason;
    throw isFdpassError(error) ? error : fromSystemError(error, 'cannot write to the proxy');
  }

  #whenReady(what: 'readable' | 'writable', call: () => number): Promise<number> {
    return whenReady(this.#poller, what, () => {
      if (this.#over !== undefined) throw this.#over.reason;
      return call();
    });
  }

  get #flags(): number {
    return this.#sys.platform.constants.MSG_DONTWAIT;
  }

  /**
   * Calls `listener` if the connection ends or breaks while nobody reads. One whose other side has said its last words,
   * which are still to be read, is not broken. Returns how to stop listening.
   */
  onBroken(listener: (error: unknown) => void): () => void {
    let isWatching = true;
    this.#poller.until('closed').then(
      () => isWatching && this.#fd !== -1 && this.#sys.isAtEnd(this.#fd) && listener(undefined),
      () => {}, // destroyed: whoever did that knows
    );
    return () => {
      isWatching = false;
    };
  }

  toStream(): Duplex {
    if (this.#over !== undefined) throw this.#over.reason;
    this.#stream = adoptFd(this.#leave(givenAway()), this.#sys);
    return this.#stream;
  }

  destroy(reason: unknown = CLOSED): void {
    this.#stream?.on('error', () => {}).destroy();
    if (this.#over !== undefined) return;
    this.#sys.close(this.#leave(reason)); // no shutdown: a receiver of the descriptor may go on with the connection
  }

  /** Lets go of the descriptor, which it returns. Whatever is pending, and every later call, rejects with `reason`. */
  #leave(reason: unknown): number {
    const fd = this.#fd;
    this.#over = { reason };
    this.#fd = -1;
    this.#poller.close(reason);
    this.#reader.end(reason, true);
    return fd;
  }
}
