import { Duplex } from 'node:stream';

/** A paused stream over another that Node does not know for a socket: reads, writes, ends and errors pass through. */
export function unlikeASocket(inner: Duplex): Duplex {
  const outer: Duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void inner.resume(),
    write: (chunk, encoding, done) => void inner.write(chunk, encoding, done),
    final: (done) => void inner.end(() => done()),
    destroy(error, done) {
      inner.destroy();
      done(error);
    },
  });
  inner.on('data', (chunk) => {
    if (!outer.push(chunk)) inner.pause();
  });
  inner.once('end', () => outer.push(null));
  inner
    .once('error', (error) => outer.destroy(error))
    .once('close', () => {
      if (!inner.readableEnded) outer.destroy(); // else what was pushed is still to be read
    });
  inner.pause();
  return outer.pause();
}
