import type { Readable, Writable } from 'node:stream';
import { untilAborted } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { errnoName, reasonOf } from '../ground/system-error.js';

/** One side of a relay; reading and writing may be two streams (stdin and stdout) or one and the same. */
export interface RelaySide {
  /** Where bytes come from. */
  readonly readable: Readable;
  /** Where bytes go. */
  readonly writable: Writable;
}

/** How many bytes a relay copied each way. */
export interface RelayResult {
  /** Bytes from the user's side to the network. */
  readonly sent: number;
  /** Bytes from the network to the user's side. */
  readonly received: number;
}

/**
 * Copies bytes both ways between `near` (the user's side) and `far` (the network), with back-pressure.
 *
 * The end of one side is passed on as a half-close while the other direction goes on. The relay is over when both
 * directions have ended, when nobody reads what arrives (`near` has closed), or when `far` ends and `near` is a terminal,
 * for whose end nobody would wait. All streams are destroyed then, and on failure and abort too.
 *
 * @throws FdpassError `unreachable` if a side breaks in the middle (a reset counts as its end); the signal's reason on abort.
 */
export async function relay(near: RelaySide, far: RelaySide, signal?: AbortSignal): Promise<RelayResult> {
  const streams = new Set<Readable | Writable>([near.readable, near.writable, far.readable, far.writable]);
  const up = copy(near.readable, far.writable);
  const down = copy(far.readable, near.writable);
  const isTerminal = 'isTTY' in near.readable && near.readable.isTTY === true;
  const received = down.done.then((end) => (end === 'sink-closed' || isTerminal ? end : up.done));
  try {
    await untilAborted(signal, Promise.race([received, up.done.then(() => received)]));
    return { sent: up.bytes(), received: down.bytes() };
  } finally {
    for (const stream of streams) stream.on('error', () => {}).destroy();
  }
}

interface Copy {
  /** `ended`: the source's end was passed on, all bytes before it taken. `sink-closed`: nobody reads them any more. */
  readonly done: Promise<'ended' | 'sink-closed'>;
  bytes(): number;
}

function copy(source: Readable, sink: Writable): Copy {
  let bytes = 0;
  const done = new Promise<'ended' | 'sink-closed'>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (!sink.write(chunk)) source.pause();
    };
    const sinkClosed = (): void => {
      source.off('data', take).resume(); // reading on is what shows the source's end
      resolve('sink-closed');
    };
    const sourceEnded = (): void => void sink.end(() => resolve('ended'));
    source.on('data', take).once('end', sourceEnded).once('close', sourceEnded);
    source.once('error', (error) => (isClosed(error) ? sourceEnded() : reject(broken(error))));
    sink.on('drain', () => source.resume());
    sink.once('error', sinkClosed).once('close', sinkClosed);
    source.resume();
  });
  done.catch(() => {}); // looked at by the relay, which may already be over
  return { done, bytes: () => bytes };
}

function isClosed(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE', 'EIO', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoName(error) ?? '');
}

function broken(error: Error): FdpassError {
  return new FdpassError('unreachable', `the connection broke: ${reasonOf(error)}`, { cause: error });
}
