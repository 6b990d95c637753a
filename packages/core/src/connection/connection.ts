import type { Duplex } from 'node:stream';

/**
 * A connection while strategies work on it. Reads take exactly the bytes asked for; what follows them stays where the
 * next owner of the connection finds it. It becomes a stream only when someone asks for one.
 *
 * Reads and writes reject with an FdpassError: `unreachable` if the connection closed before anything arrived, and
 * `protocol` if it closed in the middle. When the connection is destroyed they reject with the reason. `what` names the
 * awaited bytes in errors and traces, e.g. `the reply`. One read can be pending at a time, and a second is refused
 * (`internal`); writes that wait at the same time keep their order. After `toStream` every call is refused.
 */
export interface Connection {
  /** Reads exactly `length` bytes. */
  read(length: number, what: string): Promise<Buffer>;
  /**
   * Reads up to an end that only the content shows. `missing` looks at the bytes so far and returns how many more can be
   * read without taking one too many, a whole number; 0 ends the read. It can throw to end the read with an error. It can
   * look ahead: `seen` has the bytes so far and those after them that have arrived, so an end in there is found in one step.
   *
   * @param limit Rejects with `protocol` when this many bytes have arrived without an end.
   */
  readThrough(missing: (soFar: Buffer, seen: Buffer) => number, limit: number, what: string): Promise<Buffer>;
  /**
   * The bytes that are there, without taking them. Waits for the first one at most `limitMs`; empty if none arrived in
   * that time or the other side has closed.
   *
   * @param signal Ends the wait, which rejects with its reason; the connection stays as it is.
   */
  peek(limitMs: number, signal?: AbortSignal): Promise<Buffer>;
  /** Resolves when the kernel (or the stream) has taken all the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** The kernel socket, if it holds the whole state of the connection; undefined for TLS or a library's stream. */
  readonly descriptor: number | undefined;
  /**
   * Gives the connection away as a stream: paused, half-open allowed, and a `net.Socket` where Node can wrap it. The
   * stream belongs to the caller; the connection must not be used any more.
   */
  toStream(): Duplex;
  /** Closes it at once, without shutdown(2). Does nothing the second time. Pending calls reject with `reason`. */
  destroy(reason?: unknown): void;
}

/** How a read finds its end, see {@link Connection.readThrough}. */
export type Missing = Parameters<Connection['readThrough']>[0];
