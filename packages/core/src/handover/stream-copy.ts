import type { Readable, Writable } from 'node:stream';
import { broken, type Copy, type CopyEnd, isClosed, isReset } from './copy.js';

/** Copies from one stream to another, with back-pressure, until one of them is over. Neither is destroyed. */
export function copyStream(source: Readable, sink: Writable): Copy {
  let bytes = 0;
  const done = new Promise<CopyEnd>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (!sink.write(chunk)) source.pause();
    };
    const sinkClosed = (): void => {
      source.off('data', take).resume(); // reading on is what shows the source's end
      resolve('sink-closed');
    };
    const sourceOver = (how: CopyEnd): void => void sink.end(() => resolve(how));
    const sourceEnded = (): void => sourceOver('ended');
    const sourceFailed = (error: Error): void =>
      isClosed(error) ? sourceOver(isReset(error) ? 'reset' : 'ended') : reject(broken(error));
    source.on('data', take).once('end', sourceEnded).once('close', sourceEnded).once('error', sourceFailed);
    sink.on('drain', () => source.resume());
    sink.once('error', sinkClosed).once('close', sinkClosed);
    // What is over already does not say so again.
    if (source.errored) sourceFailed(source.errored);
    else if (source.readableEnded || source.destroyed) sourceEnded();
    if (sink.destroyed) sinkClosed();
    else source.resume();
  });
  done.catch(() => {}); // looked at by the relay, which may already be over
  return { done, bytes: () => bytes, taken: () => bytes - sink.writableLength };
}
