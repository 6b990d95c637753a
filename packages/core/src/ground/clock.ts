import { AbortListener, AbortSource, type AbortState, type Listening, NOT_LISTENING, onAbort } from './abortable.js';
import { FdpassError, isFdpassError } from './errors.js';
import { isList } from './lists.js';
import { clearTimeout, setTimeout } from './timers.js';

/** The clock of races and deadlines; tests replace it by a virtual one. */
export interface Clock {
  /** Milliseconds from a fixed point, never going backwards. */
  now(): number;
  /** Calls `action` once after `delayMs`. The function it returns cancels that, and can be called at any time. */
  after(delayMs: number, action: () => void): () => void;
}

/** The longest delay that a timer of Node can hold, a little under 25 days; a longer one would fire at once. */
const MAX_DELAY_MS = 0x7fffffff;

/** The machine's monotonic clock. A longer delay than a timer can hold is cut to that. */
export const systemClock: Clock = {
  now() {
    const [seconds, nanoseconds] = process.hrtime(); // not performance.now(): Node loads that when it is first used
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  after(delayMs, action) {
    const timer = setTimeout(action, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
};

/** A signal that aborts with the caller's, or with a `timeout` error when the time is over. */
export interface Deadline {
  /** Aborts when the time is over or one of the caller's signals does. */
  readonly signal: AbortSignal;
  /** What `signal` says, without making it. */
  readonly state: AbortState;
  /** How much time is left, at least 1; 0 if there is no limit. */
  remainingMs(): number;
  /** Stops the timer and lets go of the caller's signals. Call it when the work is over, however it ended. */
  release(): void;
}

/**
 * @param timeoutMs 0 or less means no limit.
 * @param signals The caller's, one or several; the reason of the first that aborts is passed on unchanged.
 */
export function startDeadline(
  timeoutMs: number,
  signals: AbortState | readonly (AbortState | undefined)[] | undefined,
  clock: Clock,
): Deadline {
  return new RunningDeadline(timeoutMs, signals, clock);
}

type Given = Parameters<typeof startDeadline>[1];

/** One object, which is its own source of aborts: a thousand dials can be waiting, each with a deadline. */
class RunningDeadline extends AbortSource implements Deadline {
  readonly #clock: Clock;
  /** Undefined if there is no limit. */
  readonly #endsAt: number | undefined;
  readonly #cancelTimer: (() => void) | undefined;
  readonly #listening: Listening;

  constructor(timeoutMs: number, signals: Given, clock: Clock) {
    super();
    const isLimited = timeoutMs > 0;
    this.#clock = clock;
    this.#endsAt = isLimited ? clock.now() + timeoutMs : undefined;
    this.#listening = passOn(signals, this);
    this.#cancelTimer = isLimited ? clock.after(timeoutMs, () => this.abort(timedOut(timeoutMs))) : undefined;
  }

  get state(): AbortState {
    return this;
  }

  // Getters, so that both can be passed on unbound: a function is made only when somebody asks for it.

  get remainingMs(): () => number {
    return () => (this.#endsAt === undefined ? 0 : Math.max(1, this.#endsAt - this.#clock.now()));
  }

  get release(): () => void {
    return () => {
      this.#cancelTimer?.();
      this.#listening.stop();
    };
  }
}

/** Passes the abort of one of the signals on. Not by AbortSignal.any: on Node 20 that holds on to signals that live longer than the dial. */
function passOn(signals: Given, to: AbortSource): Listening {
  if (!isList(signals)) return signals === undefined ? NOT_LISTENING : new Forwarding(to, signals);
  const all = signals.map((signal) => passOn(signal, to));
  return {
    stop() {
      for (const listening of all) listening.stop();
    },
  };
}

class Forwarding extends AbortListener {
  readonly #to: AbortSource;

  constructor(to: AbortSource, from: AbortState) {
    super();
    this.#to = to;
    this.listenTo(from);
  }

  override aborted(reason: unknown): void {
    this.#to.abort(reason);
  }
}

/** The error of work that has run out of time. */
export function timedOut(timeoutMs: number): FdpassError {
  return new FdpassError('timeout', `timed out after ${formatMs(timeoutMs)}`, {
    hint: 'check that something answers there',
  });
}

/**
 * The error for work in which the time of a dial has run out: with what it waited for, and what to try. Any other error is
 * returned as it is.
 */
export function withWaited(error: unknown, waited: string, hint: string): unknown {
  if (!isFdpassError(error) || error.code !== 'timeout') return error;
  return new FdpassError('timeout', `${error.message}: ${waited}`, { hint, cause: error });
}

/** Milliseconds as people write them: `250 ms`, `30 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * `250ms`, `30s`, `2m`, `1h`, or a plain number of seconds (as ssh_config and curl take it), in milliseconds; undefined if
 * it is not a duration.
 */
export function parseDuration(input: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(input).trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNITS[match[2] ?? 's'] ?? Number.NaN);
  return ms <= MAX_DELAY_MS ? ms : undefined;
}

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as that aborts.
 *
 * @param dropLate Gets the result of work that succeeds after the abort, to close it.
 */
export function untilAborted<T>(
  signal: AbortState | AbortSignal | undefined,
  work: PromiseLike<T>,
  dropLate?: (late: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, reject);
    const settled = (): boolean => {
      release();
      return signal?.aborted === true;
    };
    work.then(
      (value) => {
        if (settled()) dropLate?.(value);
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

/** Waits. Rejects with the signal's reason as soon as that aborts. */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  let cancel = (): void => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  try {
    await untilAborted(signal, over);
  } finally {
    cancel();
  }
}
