import type { Clock } from './clock.js';
import { FdpassError } from './errors.js';

/** A signal that aborts with the caller's, or with a `timeout` error after `timeoutMs`. */
export interface Deadline {
  /** Aborts when the time is over or the outer signal does. */
  readonly signal: AbortSignal;
  /** Stops the timer and lets go of the caller's signal. Call it when the work is over, however it ended. */
  release(): void;
}

/**
 * @param timeoutMs 0 or less means no limit.
 * @param signals The caller's, one or several; the reason of the first that aborts is passed on unchanged.
 */
export function startDeadline(
  timeoutMs: number,
  signals: AbortSignal | readonly (AbortSignal | undefined)[] | undefined,
  clock: Clock,
): Deadline {
  const controller = new AbortController();
  // Not AbortSignal.any: on Node 20 it holds on to what lives longer than the dial.
  const listened = [signals].flat().flatMap((signal) => {
    return signal === undefined ? [] : [{ signal, abort: (): void => controller.abort(signal.reason) }];
  });
  for (const { signal, abort } of listened) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  const cancelTimer = timeoutMs > 0 ? clock.after(timeoutMs, () => controller.abort(timedOut(timeoutMs))) : () => {};
  return {
    signal: controller.signal,
    release() {
      cancelTimer();
      for (const { signal, abort } of listened) signal.removeEventListener('abort', abort);
    },
  };
}

function timedOut(timeoutMs: number): FdpassError {
  return new FdpassError('timeout', `timed out after ${formatMs(timeoutMs)}`, {
    hint: 'raise the limit with --timeout or "timeout" in the config, or check that something answers there',
  });
}

/** Milliseconds for a person: `250 ms`, `30 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
