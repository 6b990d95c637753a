/**
 * The other side of a handshake. Reads take exactly the bytes asked for; what follows them stays where the next owner
 * of the connection finds it.
 *
 * All methods reject with the abort reason of the handshake's signal, with FdpassError `unreachable` if the connection
 * closed before anything came, and with `protocol` if it closed in the middle. `what` names the awaited thing in errors.
 */
export interface Peer {
  /** Resolves when the bytes are with the kernel. */
  write(bytes: Uint8Array): Promise<void>;
  /** Exactly `length` bytes. */
  read(length: number, what: string): Promise<Buffer>;
  /**
   * Bytes up to an end that only their content shows. `missing` looks at what has come and says how many bytes can be
   * read without taking one too many; 0 ends it. It may throw to end it with an error.
   *
   * @param limit Rejects with `protocol` when this many bytes have come without an end.
   */
  readThrough(missing: (soFar: Buffer) => number, limit: number, what: string): Promise<Buffer>;
}
