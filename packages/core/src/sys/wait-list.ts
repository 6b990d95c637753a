import { setImmediate } from '../ground/timers.js';
import type { Poller, Readiness } from './sys.js';

/** What can be waited for, as bits. */
export const BITS: Readonly<Record<Readiness, number>> = { readable: 1, writable: 2, closed: 4 };

interface Waiter {
  readonly what: Readiness;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Node 26 runs no promise job after a callback that does not come from one of its own handles. */
const NEEDS_TURN = Number.parseInt(process.versions.node, 10) >= 25;

/** Those who wait for a descriptor. What it waits with is up to the classes derived from it. */
export abstract class WaitList implements Poller {
  #waiters: Waiter[] = [];
  #closed: { readonly reason: unknown } | undefined;

  until(what: Readiness): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed.reason);
      this.#waiters.push({ what, resolve, reject });
      try {
        this.arm(this.wanted);
      } catch (error) {
        this.#waiters.pop();
        reject(error); // e.g. no descriptor is left
      }
    });
  }

  close(reason?: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.release();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }

  /** Waits for these events, a sum of {@link BITS}. */
  protected abstract arm(wanted: number): void;

  /** Stops waiting, for ever. */
  protected abstract release(): void;

  /** Settles those who wait for one of these events; false if nobody does. */
  protected happened(events: number): boolean {
    const due = this.#waiters.filter(({ what }) => (BITS[what] & events) !== 0);
    if (due.length === 0) return false;
    this.#waiters = this.#waiters.filter(({ what }) => (BITS[what] & events) === 0);
    if (NEEDS_TURN) setImmediate(() => this.#settle(due));
    else this.#settle(due);
    return true;
  }

  /** What is still waited for. */
  protected get wanted(): number {
    let bits = 0;
    for (const { what } of this.#waiters) bits |= BITS[what];
    return bits;
  }

  #settle(due: readonly Waiter[]): void {
    for (const { resolve, reject } of due) this.#closed === undefined ? resolve() : reject(this.#closed.reason);
  }
}
