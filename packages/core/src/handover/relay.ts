import type { Readable, Writable } from 'node:stream';
import { type AbortState, onAbort } from '../ground/abortable.js';
import { type Clock, systemClock, untilAborted } from '../ground/clock.js';
import { type Copy, copyStream, DOWN, UP } from './copy.js';

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
  readonly gone?: AbortState | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** If the user has gone and the network takes nothing for this long, the rest is dropped. */
const STALL_MS = 300;

/**
 * Copies bytes both ways between `near` (the user's side) and `far` (the network), with back-pressure.
 *
 * The end of one side is passed on as a half-close while the other direction goes on. The relay is over when both
 * directions have ended, when a side is reset, when nobody reads what arrives (`near` has closed), when `near` has gone, or
 * when `far` ends and `near` is a terminal, for whose end nobody would wait. All streams are destroyed then, and on failure
 * and abort too.
 *
 * @throws FdpassError `unreachable` if `far` breaks in the middle (a reset is an end); why `near` cannot be read or written, such as
 *   a full disk; the signal's reason on abort.
 */
export function relay(near: RelaySide, far: RelaySide, options: RelayOptions = {}): Promise<RelayResult> {
  const streams = new Set<Readable | Writable>([near.readable, near.writable, far.readable, far.writable]);
  const copies = {
    up: copyStream(near.readable, far.writable, UP),
    down: copyStream(far.readable, near.writable, DOWN),
    isTerminal: 'isTTY' in near.readable && near.readable.isTTY === true,
    close() {
      for (const stream of streams) stream.on('error', () => {}).destroy();
    },
  };
  return untilOver(copies, options);
}

/** The two directions of a relay, under way. */
export interface Copies {
  /** From the user to the network. */
  readonly up: Copy;
  /** From the network to the user. */
  readonly down: Copy;
  /** The user's side is a terminal. */
  readonly isTerminal: boolean;
  /** Ends both at once and closes what they use. */
  close(): void;
}

/** Waits until a relay is over, as {@link relay} describes it, and closes it. */
export async function untilOver(copies: Copies, options: RelayOptions): Promise<RelayResult> {
  const { up, down, isTerminal } = copies;
  const { signal, gone, clock = systemClock } = options;
  const received = down.done.then((end) => (end === 'ended' && !isTerminal ? up.done : end));
  const sent = up.done.then((end) => (end === 'reset' ? end : received));
  const leaving = untilGone(gone, up, clock);
  try {
    await untilAborted(signal, Promise.race([received, sent, leaving.over]));
    return { sent: up.bytes(), received: down.bytes() };
  } finally {
    leaving.release();
    copies.close();
  }
}

/** Settles after `gone` has aborted: when what the user had written is delivered, or the network takes nothing more of it. */
function untilGone(
  gone: AbortState | undefined,
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
