import { Duplex } from 'node:stream';

/** A paused stream over another that Node does not know for a socket: reads, writes, ends and errors pass through. */
export function unlikeASocket(inner: Duplex): Duplex {
  return Duplex.from({ readable: inner, writable: inner }).pause();
}
