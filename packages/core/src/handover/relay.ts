import type { Readable, Writable } from 'node:stream';
import { type Clock, onAbort, systemClock, untilAborted } from '../ground/clock.js';
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

/** What ends a {@link relay} besides its streams. */
export interface RelayOptions {
  /** Ends it at once; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The user's side has gone: it neither writes nor reads any more. What it has written is still delivered as long as the
   * network takes it.
   */
  readonly gone?: AbortSignal | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** When the user has gone and the network takes nothing for this long, the rest is given up. */
const STALL_MS = 300;

/**
 * Copies bytes both ways between `near` (the user's side) and `far` (the network), with back-pressure.
 *
 * The end of one side is passed on as a half-close while the other direction goes on. The relay is over when both
 * directions have ended, when nobody reads what arrives (`near` has closed), when `near` has gone, or when `far` ends and
 * `near` is a terminal, for whose end nobody would wait. All streams are destroyed then, and on failure and abort too.
 *
 * @throws FdpassError `unreachable` if a side breaks in the middle (a reset counts as its end); the signal's reason on abort.
 */
export async function relay(near: RelaySide, far: RelaySide, options: RelayOptions = {}): Promise<RelayResult> {
  const { signal, gone, clock = systemClock } = options;
  const streams = new Set<Readable | Writable>([near.readable, near.writable, far.readable, far.writable]);
  const up = copy(near.readable, far.writable);
  const down = copy(far.readable, near.writable);
  const isTerminal = 'isTTY' in near.readable && near.readable.isTTY === true;
  const received = down.done.then((end) => (end === 'sink-closed' || isTerminal ? end : up.done));
  const leaving = untilGone(gone, up, clock);
  try {
    await untilAborted(signal, Promise.race([received, up.done.then(() => received), leaving.over]));
    return { sent: up.bytes(), received: down.bytes() };
  } finally {
    leaving.release();
    for (const stream of streams) stream.on('error', () => {}).destroy();
  }
}

/** Settles after `gone` has aborted: when what the user had written is delivered, or the network takes nothing more of it. */
function untilGone(
  gone: AbortSignal | undefined,
  up: Copy,
  clock: Clock,
): { readonly over: Promise<unknown>; release(): void } {
  let cancel = (): void => {};
  let stop = (): void => {};
  const over = new Promise<unknown>((resolve) => {
    const look = (before: number): void => {
      const taken = up.taken();
      if (taken === before) resolve(undefined);
      else cancel = clock.after(STALL_MS, () => look(taken));
    };
    stop = onAbort(gone, () => {
      up.done.then(resolve, resolve);
      look(-1);
    });
  });
  return {
    over,
    release() {
      stop();
      cancel();
    },
  };
}

interface Copy {
  /** `ended`: the source's end was passed on, all bytes before it taken. `sink-closed`: nobody reads them any more. */
  readonly done: Promise<'ended' | 'sink-closed'>;
  bytes(): number;
  /** How many of them the sink has passed on. */
  taken(): number;
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
    const sourceFailed = (error: Error): void => (isClosed(error) ? sourceEnded() : reject(broken(error)));
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

function isClosed(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE', 'EIO', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoName(error) ?? '');
}

function broken(error: Error): FdpassError {
  return new FdpassError('unreachable', `the connection broke: ${reasonOf(error)}`, { cause: error });
}
