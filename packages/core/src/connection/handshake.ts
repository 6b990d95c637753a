import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DialContext } from '../dial/dialer.js';
import { FdpassError } from '../ground/errors.js';
import { fromSystemError } from '../ground/system-error.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import { adoptFd, detachFd, isPlainSocket, isUntouched } from './detach.js';
import { ExactReader } from './exact-reader.js';
import type { Peer } from './peer.js';

/** What a handshake leaves behind. */
export interface HandshakeResult<T> {
  /** The connection, paused; for a plain socket a plain socket again with nothing read ahead. */
  readonly stream: Duplex;
  /** What the conversation returned. */
  readonly result: T;
}

/**
 * Lends a connection to a handshake: exact reads, nothing swallowed.
 *
 * From a plain `net.Socket` (anybody's) the kernel is asked for exactly the bytes wanted, so that a banner in the same
 * segment stays in the kernel and the descriptor can be handed over. From any other stream, bytes that are not wanted
 * stay in the stream's own buffer. `stream` belongs to the handshake from the call on: use the one that comes back. On
 * failure and abort it is destroyed.
 */
export async function handshake<T>(
  stream: Duplex,
  context: Pick<DialContext, 'signal' | 'trace'>,
  talk: (peer: Peer) => Promise<T>,
): Promise<HandshakeResult<T>> {
  const sys = isPlainSocket(stream) ? await loadSys().catch(() => undefined) : undefined;
  const line =
    sys !== undefined && isPlainSocket(stream) && isUntouched(stream)
      ? new KernelLine(stream, sys)
      : new StreamLine(stream);
  const { signal } = context;
  const abort = (): void => line.reader.end(signal.reason, true);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const result = await talk(peerOn(line, context));
    signal.throwIfAborted();
    return { stream: line.release(), result };
  } catch (error) {
    line.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A connection while a handshake has it. */
interface Line {
  readonly stream: Duplex;
  readonly reader: ExactReader;
  /** Bytes are wanted: take them off the connection. */
  pull(): void;
  /** The connection for the next owner. */
  release(): Duplex;
  destroy(): void;
}

function peerOn(line: Line, { signal, trace }: Pick<DialContext, 'signal' | 'trace'>): Peer {
  const reading = (what: string, read: Promise<Buffer>): Promise<Buffer> => {
    trace({ event: 'waiting', for: what });
    line.pull();
    return read;
  };
  return {
    write: (bytes) => write(line.stream, bytes, signal),
    read: (length, what) => reading(what, line.reader.read(length, what)),
    readThrough: (missing, limit, what) => reading(what, line.reader.readThrough(missing, limit, what)),
  };
}

function write(stream: Duplex, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    const closed = (): void => reject(new FdpassError('unreachable', 'the connection closed while we wrote to it'));
    const settle = (error?: Error | null): void => {
      signal.removeEventListener('abort', abort);
      stream.off('close', closed);
      if (error) reject(fromSystemError(error, 'cannot write to the proxy'));
      else resolve();
    };
    signal.addEventListener('abort', abort, { once: true });
    stream.once('close', closed);
    stream.write(bytes, settle);
  });
}

/** Events that end a connection's reading side. */
function watchEnd(stream: Duplex, reader: ExactReader): () => void {
  const ended = (): void => reader.end();
  const failed = (error: Error): void => reader.end(error);
  stream.on('end', ended).on('close', ended).on('error', failed);
  return () => void stream.off('end', ended).off('close', ended).off('error', failed);
}

/** Exact reads with the kernel keeping the rest: Node reads into a buffer of just the size we want (`onread`). */
class KernelLine implements Line {
  readonly stream: Socket;
  readonly reader: ExactReader = new ExactReader();
  readonly #sys: Sys;
  readonly #unwatch: () => void;

  constructor(socket: Socket, sys: Sys) {
    this.#sys = sys;
    const onread = {
      // Asked for at once and after every read. While nothing is wanted nothing is read, but a buffer there must be.
      buffer: () => Buffer.allocUnsafe(Math.max(1, this.reader.wanted)),
      callback: (length: number, buffer: Uint8Array): boolean => {
        this.reader.give(buffer.subarray(0, length));
        return this.reader.wanted > 0;
      },
    };
    this.stream = adoptFd(detachFd(socket, sys), sys, { onread });
    this.#unwatch = watchEnd(this.stream, this.reader);
  }

  pull(): void {
    if (this.reader.wanted > 0) this.stream.resume();
  }

  release(): Duplex {
    this.#unwatch();
    return adoptFd(detachFd(this.stream, this.#sys), this.#sys);
  }

  destroy(): void {
    this.stream.on('error', () => {}).destroy();
  }
}

/** Exact reads from a stream that buffers: what is not wanted stays in its buffer. */
class StreamLine implements Line {
  readonly stream: Duplex;
  readonly reader: ExactReader = new ExactReader();
  readonly #unwatch: () => void;

  constructor(stream: Duplex) {
    this.stream = stream;
    this.#unwatch = watchEnd(stream, this.reader);
    stream.pause();
    stream.on('readable', this.#take);
  }

  pull(): void {
    this.#take();
  }

  readonly #take = (): void => {
    while (this.reader.wanted > 0) {
      const length = Math.min(this.reader.wanted, this.stream.readableLength);
      // read(0) only asks the source for more.
      const bytes = this.stream.read(length) as Buffer | null;
      if (bytes === null || bytes.length === 0) return;
      this.reader.give(bytes);
    }
  };

  release(): Duplex {
    this.#unwatch();
    this.stream.off('readable', this.#take);
    return this.stream;
  }

  destroy(): void {
    this.stream
      .off('readable', this.#take)
      .on('error', () => {})
      .destroy();
  }
}
