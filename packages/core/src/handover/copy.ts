import { ReadStream, WriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { FdpassError } from '../ground/errors.js';
import { errnoName, fromSystemError, reasonOf } from '../ground/system-error.js';

/** How one direction of a relay ended. */
export type CopyEnd =
  /** The source's end was passed on, and all bytes before it were taken. */
  | 'ended'
  /** The same after a reset: nobody reads at the source's other side any more, either. */
  | 'reset'
  /** Nobody reads the bytes any more. Any that still come are dropped until the source ends, so that its writer does not wait. */
  | 'sink-closed';

/** One direction of a relay, under way. */
export interface Copy {
  /** Rejects if the source or the sink breaks in the middle (a reset is an end). */
  readonly done: Promise<CopyEnd>;
  /** How many bytes have come from the source. */
  bytes(): number;
  /** How many of them the sink has passed on. */
  taken(): number;
}

/** Whether a source that failed was reset: its other side neither writes nor reads any more. */
export function isReset(error: unknown): boolean {
  return errnoName(error) === 'ECONNRESET';
}

/** Whether a source that failed has simply ended, as far as its reader cares, or a sink has lost its reader. */
export function isClosed(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'EIO', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoName(error) ?? '');
}

/** The same for a stream: a file cannot hang up, so an EIO is the disk's. */
function isStreamClosed(stream: Readable | Writable, error: unknown): boolean {
  return isClosed(error) && !(stream instanceof ReadStream || stream instanceof WriteStream);
}

/** What a side that failed in another way makes of the relay. */
export interface Breaks {
  source(error: unknown): FdpassError;
  sink(error: unknown): FdpassError;
}

function connectionBroke(error: unknown): FdpassError {
  return new FdpassError('unreachable', `the connection broke: ${reasonOf(error)}`, { cause: error });
}

/** From the user to the network. */
export const UP: Breaks = { source: (error) => fromSystemError(error, 'cannot read the input'), sink: connectionBroke };

/** From the network to the user. */
export const DOWN: Breaks = {
  source: connectionBroke,
  sink: (error) => fromSystemError(error, 'cannot write the output'),
};

/** Copies from one stream to another, with back-pressure, until one of them is over. Neither is destroyed. */
export function copyStream(source: Readable, sink: Writable, breaks: Breaks): Copy {
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
    const sourceOver = (how: CopyEnd): void =>
      void sink.end(() => {
        if (sink.errored && !isStreamClosed(sink, sink.errored)) reject(breaks.sink(sink.errored));
        else resolve(how);
      });
    const sourceEnded = (): void => sourceOver('ended');
    const sourceFailed = (error: Error): void =>
      isStreamClosed(source, error) ? sourceOver(isReset(error) ? 'reset' : 'ended') : reject(breaks.source(error));
    const sinkFailed = (error: Error): void =>
      isStreamClosed(sink, error) ? sinkClosed() : reject(breaks.sink(error));
    source.on('data', take).once('end', sourceEnded).once('close', sourceEnded).once('error', sourceFailed);
    sink.on('drain', () => source.resume());
    sink.once('error', sinkFailed).once('close', sinkClosed);
    // What is over already does not say so again.
    if (source.errored) sourceFailed(source.errored);
    else if (source.readableEnded || source.destroyed) sourceEnded();
    if (sink.errored) sinkFailed(sink.errored);
    else if (sink.destroyed) sinkClosed();
    else source.resume();
  });
  done.catch(() => {}); // looked at by the relay, which may already be over
  return { done, bytes: () => bytes, taken: () => bytes - sink.writableLength };
}
