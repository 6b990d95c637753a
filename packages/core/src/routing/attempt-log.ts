import { addDetails, type FailedAttempt, type FdpassError } from '../ground/errors.js';
import type { Trace } from '../ground/trace.js';

/**
 * Remembers what became of each attempt of a dial, so that a deadline that passes in the middle can say which addresses
 * were tried: the strategies themselves only see their signal abort.
 */
export class AttemptLog {
  readonly #reasons = new Map<string, string>();
  readonly #listener: Trace;

  constructor(listener: Trace) {
    this.#listener = listener;
  }

  /** Give this to the dial; everything goes on to the listener. */
  readonly trace: Trace = (event) => {
    const { address, reason } = event;
    if (typeof address === 'string') {
      if (event.event === 'attempt') this.#reasons.set(address, 'no answer');
      if (event.event === 'attempt-failed') this.#reasons.set(address, String(reason));
      if (event.event === 'connected') this.#reasons.delete(address);
    }
    this.#listener(event);
  };

  /** The error with the attempts in it, if it is a deadline's and has none. */
  explain(error: FdpassError): FdpassError {
    if (error.code !== 'timeout' || this.#reasons.size === 0) return error;
    const attempts: FailedAttempt[] = [...this.#reasons].map(([address, reason]) => ({ address, reason }));
    return addDetails(error, { attempts });
  }
}
