import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { onAbort } from '../ground/abortable.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { endOfFile, errnoName, fromSystemError } from '../ground/system-error.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { findSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { Connection, Missing } from './connection.js';
import { type ConnectionServices, DescriptorConnection } from './descriptor.js';
import { nodeSocket } from './descriptor-stream.js';
import { ExactReader } from './exact-reader.js';
import { CLOSED, GIVEN_AWAY, notBytes } from './misuse.js';

/** A connection over a stream that buffers: bytes that are not wanted stay in its buffer. It owns the stream. */
export class StreamConnection implements Connection {
  /** Its state is in this process (TLS keys, bytes read ahead), so there is no descriptor to hand over. */
  readonly descriptor: undefined;
  readonly #stream: Duplex;
  readonly #trace: Trace;
  readonly #clock: Clock;
  readonly #reader = new ExactReader();
  /** Aborts when it is destroyed or given away, with what every later call rejects with. */
  readonly #over = new AbortController();

  constructor(stream: Duplex, { trace = noTrace, clock = systemClock }: ConnectionServices = {}) {
    this.#stream = stream;
    this.#trace = trace;
    this.#clock = clock;
    stream.pause();
    stream.on('end', this.#ended).on('close', this.#ended).on('error', this.#failed).on('readable', this.#take);
    // What happened before is not told again.
    if (stream.errored) this.#failed(stream.errored);
    else if (!stream.readable) this.#ended();
  }

  readonly #ended = (): void => this.#reader.end();
  readonly #failed = (error: Error): void => this.#reader.end(error);

  /** Takes what the pending read wants. read(0) only makes the source deliver more. */
  readonly #take = (): void => {
    while (this.#reader.wanted > 0) {
      const length = Math.min(this.#reader.wanted, this.#stream.readableLength);
      const bytes = this.#stream.read(length) as Buffer | null;
      if (bytes === null || bytes.length === 0) return;
      this.#reader.take(bytes);
    }
  };

  read(length: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.read(length, what));
  }

  readThrough(missing: Missing, limit: number, what: string): Promise<Buffer> {
    return this.#reading(what, this.#reader.readThrough(missing, limit, what));
  }

  #reading(what: string, read: Promise<Buffer>): Promise<Buffer> {
    this.#trace({ event: 'waiting', for: what });
    this.#take();
    return read;
  }

  peek(limitMs: number, signal?: AbortSignal): Promise<Buffer> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const bytes = stream.read(stream.readableLength) as Buffer | null; // read(0) also notices the end
        if (bytes === null) return;
        stream.unshift(bytes);
        settle(() => resolve(bytes));
      };
      const ended = (): void => settle(() => resolve(Buffer.alloc(0)));
      const failed = (error: Error): void => settle(() => reject(fromSystemError(error, 'the connection broke')));
      const settle = (action: () => void): void => {
        cancel();
        for (const release of releases) release();
        stream.off('readable', look).off('end', ended).off('close', ended).off('error', failed);
        action();
      };
      const signals = [this.#over.signal, signal];
      for (const each of signals) each?.throwIfAborted();
      const cancel = this.#clock.after(limitMs, ended);
      const releases = signals.map((each) => onAbort(each, (reason) => settle(() => reject(reason))));
      if (stream.errored) return failed(stream.errored);
      if (!stream.readable) return ended();
      stream.on('readable', look).once('end', ended).once('close', ended).once('error', failed);
      stream.read(0);
      look();
    });
  }

  /** Whether the other side has ended, even if its last words are still to be read. */
  hasEnded(): boolean {
    const { _readableState: state } = this.#stream as Duplex & {
      readonly _readableState?: { readonly ended: boolean };
    };
    return state?.ended ?? !this.#stream.readable; // Node does not document it, and says it in public only after the last byte
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) return Promise.reject(notBytes(bytes));
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        release();
        this.#stream.off('close', closed);
        action();
      };
      const closed = (): void => settle(() => reject(closedWhileWriting()));
      this.#over.signal.throwIfAborted();
      const release = onAbort(this.#over.signal, (reason) => settle(() => reject(reason)));
      this.#stream.once('close', closed);
      this.#stream.write(bytes, (error) => settle(() => (error ? reject(this.#writeError(error)) : resolve())));
    });
  }

  #writeError(error: Error): FdpassError {
    const cause = this.#stream.errored ?? error;
    if (errnoName(cause)?.startsWith('ERR_STREAM_')) return closedWhileWriting(cause);
    return fromSystemError(cause, 'cannot write to the proxy');
  }

  /** Calls `listener` if the stream ends or breaks while nobody reads, or has before. Returns how to stop listening. */
  onBroken(listener: (error: unknown) => void): () => void {
    let isWatching = true;
    const closed = (): void => void (isWatching && listener(undefined));
    this.#stream.once('error', listener).once('close', closed);
    if (this.#stream.destroyed) queueMicrotask(closed);
    return () => {
      isWatching = false;
      this.#stream.off('error', listener).off('close', closed);
    };
  }

  toStream(): Duplex {
    this.#over.signal.throwIfAborted();
    this.#leave(GIVEN_AWAY);
    return this.#stream;
  }

  destroy(reason: unknown = CLOSED): void {
    if (!this.#over.signal.aborted) this.#leave(reason);
    this.#stream.off('error', ignore).on('error', ignore).destroy();
  }

  #leave(reason: unknown): void {
    this.#over.abort(reason);
    this.#reader.end(reason, true);
    this.#stream
      .off('end', this.#ended)
      .off('close', this.#ended)
      .off('error', this.#failed)
      .off('readable', this.#take);
  }
}

/** For the errors of a stream that is not needed any more. */
function ignore(): void {}

function closedWhileWriting(cause: unknown = endOfFile()): FdpassError {
  return new FdpassError('unreachable', 'the connection closed while we wrote to it', { cause });
}

/** Whether `value` is a {@link Connection}, of this or of another copy of the package. */
export function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && 'readThrough' in value && 'toStream' in value;
}

/** Whether `value` is a stream that can be read, written and destroyed. */
export function isStream(value: unknown): value is Duplex {
  return typeof value === 'object' && value !== null && 'pipe' in value && 'write' in value && 'destroy' in value;
}

/**
 * What a dial gave, as a connection. A plain `net.Socket` with nothing read ahead becomes a connection by system calls, so
 * that whatever follows can be read exactly and its descriptor be handed over; the socket object is then destroyed. It
 * owns `value` from the call on, even if the call fails.
 *
 * @param given Default: the real system calls.
 */
export function toConnection(value: Connection | Duplex, services: ConnectionServices = {}, given?: Sys): Connection {
  if (isConnection(value)) return value;
  const fd = plainDescriptor(value);
  const sys = fd === undefined ? undefined : (given ?? findSys());
  if (fd === undefined || sys === undefined) return new StreamConnection(ofBytes(value), services);
  try {
    return new DescriptorConnection(sys.dup(fd), sys, services);
  } catch (error) {
    throw fromSystemError(error, 'cannot take over the socket');
  } finally {
    value.on('error', ignore).destroy(); // closes the original at once; the connection stays open through the copy
  }
}

/** The same stream. @throws FdpassError `internal` if it gives text or objects, from which no bytes can be read exactly. */
function ofBytes(stream: Duplex): Duplex {
  if (!stream.readableEncoding && !stream.readableObjectMode) return stream;
  stream.on('error', ignore).destroy();
  throw new FdpassError(
    'internal',
    `a stream of ${stream.readableObjectMode ? 'objects' : 'text'} is not a connection`,
    {
      hint: 'give a stream of bytes, without setEncoding() and objectMode',
    },
  );
}

/**
 * Whether bytes were taken from a plain `net.Socket`. Nobody can tell whether all of them belonged to a handshake: a socket
 * reads what has arrived, and what nobody listened for is lost.
 */
export function wasReadFrom(stream: Duplex): boolean {
  return isPlainSocket(stream) && stream.bytesRead > stream.readableLength;
}

/** Another class that extends net.Socket, such as TLSSocket, has a prototype of its own. */
function isPlainSocket(stream: Duplex): stream is Socket {
  return Object.getPrototypeOf(stream) === nodeSocket().prototype;
}

interface Handle {
  readonly fd?: number;
  /** Bytes accepted but not yet written. */
  readonly writeQueueSize?: number;
}

/**
 * The descriptor of a connected `net.Socket` that holds the whole state of the connection: nothing read ahead, nothing
 * unsent, and not a TLS or a library's socket. `_handle.fd` is not documented; there is no other way to it.
 */
function plainDescriptor(stream: Duplex): number | undefined {
  if (!isPlainSocket(stream)) return undefined;
  const socket = stream as Socket & { readonly _handle?: Handle | null };
  const { fd = -1, writeQueueSize = 0 } = socket._handle ?? {};
  const isReady = !socket.destroyed && !socket.connecting && fd >= 0;
  const isUntouched = socket.readableLength === 0 && socket.writableLength === 0 && writeQueueSize === 0;
  return isReady && isUntouched ? fd : undefined;
}
