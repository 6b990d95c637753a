import type { Duplex } from 'node:stream';
import { onAbort } from '../ground/abortable.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { fromSystemError, unlessBlocked } from '../ground/system-error.js';
import { noTrace, type Trace } from '../ground/trace.js';
import type { Poller, Readiness, Sys, Waiter } from '../sys/sys.js';
import type { Connection, Missing } from './connection.js';
import { adoptFd, adoptTcpFd } from './descriptor-stream.js';
import { ExactReader } from './exact-reader.js';
import { CLOSED, GIVEN_AWAY, notBytes } from './misuse.js';
import { acknowledgeAtOnce } from './socket-options.js';

/** What a connection reports to and waits by. */
export interface ConnectionServices {
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /**
   * Whether it is the other side that asks, over a unix socket. What follows its first words is on its way then, so each read
   * looks for it at once, and acknowledgements of TCP mean nothing. Default false.
   */
  readonly serves?: boolean | undefined;
  /** Whether it is a socket of TCP on which nobody has said anything yet. Default: nothing is known of it. */
  readonly isNewTcp?: boolean | undefined;
}

/** A look at an answer whose length is not known: headers of proxies are seldom longer. */
const LOOK = 4096;
/** The most that is taken at once, however long a read is: its length can come from the other side. */
const CHUNK = 64 * 1024;
const MSG_PEEK = 2;

/** Where what is only looked at is put, in turn by all connections: memory for each look would take longer than the look. */
const seen = Buffer.allocUnsafeSlow(LOOK);

/** A connection by system calls on its descriptor, which it owns: TCP, unix and vsock sockets alike. */
export class DescriptorConnection implements Connection, Waiter {
  readonly #sys: Sys;
  readonly #trace: Trace;
  readonly #clock: Clock;
  readonly #reader = new ExactReader();
  readonly #poller: Poller;
  #fd: number;
  /** Whether a read waits for more. */
  #isWaiting = false;
  readonly #serves: boolean;
  /** Whether it is known to be a socket of TCP; if not, it can be one all the same. */
  readonly #isTcp: boolean;
  /** We have just written, so the answer is not there yet: trying to read it would be a system call for nothing. */
  #awaitsAnswer = false;
  /** Until that fails: not every socket is one of TCP. */
  #canAcknowledge: boolean;
  /** Whether something has come since the last acknowledgement that we asked for. */
  #hasReceived = false;
  /** Whether we have answered something. Until then the kernel acknowledges at once by itself. */
  #hasAnswered: boolean;
  /** The last write. Each waits for the one before it, so that their bytes do not mix. */
  #writing: Promise<void> | undefined;
  /** Undefined until somebody asks for it. */
  #end: { readonly isReached: boolean } | undefined;
  /** Why it cannot be used any more: it was destroyed or given away. */
  #over: { readonly reason: unknown } | undefined;
  /** The stream that it became. */
  #stream: Duplex | undefined;

  /** @param fd A connected, non-blocking stream socket. */
  constructor(fd: number, sys: Sys, services: ConnectionServices = {}) {
    const { trace = noTrace, clock = systemClock, serves = false, isNewTcp = false } = services;
    this.#fd = fd;
    this.#serves = serves;
    this.#isTcp = isNewTcp;
    this.#hasAnswered = !isNewTcp;
    this.#canAcknowledge = !serves;
    this.#sys = sys;
    this.#trace = trace;
    this.#clock = clock;
    this.#poller = sys.poll(fd);
  }

  get descriptor(): number | undefined {
    return this.#fd === -1 ? undefined : this.#fd;
  }

  /**
   * Whether the kernel gives records, so that a process that just calls read(2) can meet an error. Looking before taking is
   * avoided: kernels have had faults in that (MSG_PEEK) where records of several types follow each other. Default false.
   */
  get readsRecords(): boolean {
    return false;
  }

  /** Waits for an event of the descriptor, e.g. for connect(2) to finish. */
  until(what: Readiness): Promise<void> {
    return this.#poller.until(what);
  }

  read(length: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.read(length, what));
  }

  readThrough(missing: Missing, limit: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.readThrough(missing, limit, what));
  }

  #reading(what: string, read: Promise<Buffer>): Promise<Buffer> {
    this.#trace({ event: 'waiting', for: what });
    if (!this.#isWaiting) this.#pull();
    return read;
  }

  /** Takes what the read wants, now and whenever there is more. */
  #pull(): void {
    this.#isWaiting = false;
    try {
      while (this.#reader.wanted > 0 && !this.#isWaiting) this.#isWaiting = !this.#takeSome();
      if (this.#isWaiting) this.#waitForMore(this);
      else this.#acknowledge();
    } catch (error) {
      this.failed(error);
    }
  }

  /** For the poller: goes on with the read that waits. It is the waiter itself, so no wait has to make one. */
  ready(): void {
    this.#awaitsAnswer = false;
    this.#pull();
  }

  /** For the poller: ends the read that waits. */
  failed(error: unknown): void {
    this.#isWaiting = false;
    this.#reader.end(error);
  }

  /** Takes as much as is there of what the read wants; false if nothing is there yet. */
  #takeSome(): boolean {
    if (this.#awaitsAnswer) return false;
    const { isOpenEnded, wanted } = this.#reader;
    const isLook = isOpenEnded && !this.readsRecords;
    // To peek and then to take what was seen are two system calls; without peeking there would be one for each line.
    const bytes = isLook ? this.#peekNow() : this.#takeNow(Math.min(wanted, CHUNK));
    if (bytes === undefined) return false;
    const taken = this.#reader.take(bytes);
    if (isLook) this.#discard(taken);
    this.#hasReceived = true;
    if (bytes.length === 0) this.#reader.end();
    return true;
  }

  #takeNow(most: number): Buffer | undefined {
    const buffer = Buffer.allocUnsafe(most);
    const length = this.#receive(buffer, 0);
    return length === undefined ? undefined : buffer.subarray(0, length);
  }

  #peekNow(): Buffer | undefined {
    const length = this.#receive(seen, MSG_PEEK);
    return length === undefined ? undefined : Buffer.from(seen.subarray(0, length));
  }

  /** recv(2); undefined if nothing is there yet. */
  #receive(buffer: Buffer, flags: number): number | undefined {
    return this.#unlessBlocked(() => this.#sys.recv(this.#fd, buffer, this.#flags | flags));
  }

  #waitForMore(waiter: Waiter): void {
    if (!this.#awaitsAnswer) this.#acknowledge();
    this.#poller.wait('readable', waiter);
  }

  #acknowledge(): void {
    if (!this.#hasReceived || !this.#hasAnswered || !this.#canAcknowledge) return;
    this.#hasReceived = false;
    this.#canAcknowledge = acknowledgeAtOnce(this.#fd, this.#sys);
  }

  /** Takes what was peeked at, at once: the caller that waits for it can give the connection away next. */
  #discard(length: number): void {
    for (let left = length; left > 0; ) {
      const taken = this.#sys.recv(this.#fd, seen.subarray(0, left), this.#flags); // it can give less than it showed
      if (taken === 0) throw new FdpassError('internal', 'something else reads from this connection');
      left -= taken;
    }
  }

  async peek(limitMs: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    let cancel = (): void => {};
    let release = (): void => {};
    const late = new Promise<Buffer>((resolve, reject) => {
      cancel = this.#clock.after(limitMs, () => resolve(Buffer.alloc(0)));
      release = onAbort(signal, reject);
    });
    try {
      return await Promise.race([this.#look(), late]);
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

  async #look(): Promise<Buffer> {
    for (;;) {
      const bytes = this.#awaitsAnswer ? undefined : this.#peekNow();
      if (bytes !== undefined) return bytes;
      await new Promise<void>((ready, failed) => this.#waitForMore({ ready, failed }));
      this.#awaitsAnswer = false;
    }
  }

  /** Usually the kernel takes all at once. */
  write(bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) return Promise.reject(notBytes(bytes));
    try {
      const sent = this.#writing === undefined ? this.#send(bytes) : 0;
      if (sent < bytes.length) return this.#writeRest(bytes.subarray(sent));
      this.#hasWritten();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(this.#writeError(error));
    }
  }

  async #writeRest(bytes: Uint8Array): Promise<void> {
    try {
      this.#writing = this.#writeLater(bytes, this.#writing);
      await this.#writing;
      this.#hasWritten();
    } catch (error) {
      throw this.#writeError(error);
    }
  }

  #hasWritten(): void {
    this.#awaitsAnswer = !this.#serves;
    this.#hasAnswered ||= this.#hasReceived;
  }

  #writeError(error: unknown): unknown {
    if (this.#over !== undefined) return this.#over.reason;
    return isFdpassError(error) ? error : fromSystemError(error, 'cannot write to the proxy');
  }

  /** @param before The write whose bytes come first. */
  async #writeLater(bytes: Uint8Array, before: Promise<void> | undefined): Promise<void> {
    await before;
    for (let sent = this.#send(bytes); sent < bytes.length; sent += this.#send(bytes.subarray(sent)))
      await this.#poller.until('writable');
  }

  /** Sends as much as the kernel takes now: how many bytes. */
  #send(bytes: Uint8Array): number {
    const { MSG_NOSIGNAL = 0 } = this.#sys.platform.constants;
    let all = 0;
    while (all < bytes.length) {
      const rest = all === 0 ? bytes : bytes.subarray(all); // usually one call sends all
      const sent = this.#unlessBlocked(() => this.#sys.send(this.#fd, rest, this.#flags | MSG_NOSIGNAL));
      if (sent === undefined) break;
      all += sent;
    }
    return all;
  }

  #unlessBlocked(call: () => number): number | undefined {
    if (this.#over !== undefined) throw this.#over.reason;
    return unlessBlocked(call);
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
    this.#stream = this.makeStream(this.#leave(GIVEN_AWAY));
    return this.#stream;
  }

  /** The stream that takes the descriptor over; a subclass can make another. */
  protected makeStream(fd: number): Duplex {
    return (this.#isTcp ? adoptTcpFd : adoptFd)(fd, this.#sys);
  }

  /** Gives the descriptor to the caller, which owns it from then on. The connection must not be used any more. */
  release(): number {
    if (this.#over !== undefined) throw this.#over.reason;
    return this.#leave(GIVEN_AWAY);
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
    this.#reader.end(reason, true); // before the poller is closed, for which a read would say that the connection broke
    this.#poller.close(reason);
    return fd;
  }
}
