import { withAdded } from '../ground/lists.js';
import { setImmediate } from '../ground/timers.js';
import type { Poller, Readiness } from './sys.js';

/** What can be waited for, as bits. */
export const BITS: Readonly<Record<Readiness, number>> = { readable: 1, writable: 2, closed: 4 };

interface Waiter {
  readonly what: Readiness;
  readonly ready: () => void;
  readonly failed: (reason: unknown) => void;
}

/** Node 26 runs no promise job after a callback that does not come from one of its own handles. */
const NEEDS_TURN = Number.parseInt(process.versions.node, 10) >= 25;

/** Those who wait for a descriptor. What it waits with is up to the classes derived from it. */
export abstract class WaitList implements Poller {
  #waiters: Waiter[] = [];
  #closed: { readonly reason: unknown } | undefined;

  until(what: Readiness): Promise<void> {
    return new Promise((resolve, reject) => this.wait(what, resolve, reject));
  }

  wait(what: Readiness, ready: () => void, failed: (reason: unknown) => void): void {
    if (this.#closed !== undefined) {
      failed(this.#closed.reason);
      return;
    }
    this.#waiters = withAdded(this.#waiters, { what, ready, failed });
    try {
      this.arm(this.wanted);
    } catch (error) {
      this.#waiters.pop();
      failed(error); // e.g. no descriptor is left
    }
  }

  close(reason?: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.release();
    for (const { failed } of this.#waiters.splice(0)) failed(reason);
  }

  /** Waits for these events, a sum of {@link BITS}. */
  protected abstract arm(wanted: number): void;

  /** Stops waiting, for ever. */
  protected abstract release(): void;

  /** Settles those who wait for one of these events; false if nobody does. */
  protected happened(events: number): boolean {
    const isDue = ({ what }: Waiter): boolean => (BITS[what] & events) !== 0;
    const all = this.#waiters;
    if (!all.some(isDue)) return false;
    const due = all.every(isDue) ? all : all.filter(isDue); // mostly there is one
    this.#waiters = due === all ? [] : all.filter((waiter) => !isDue(waiter));
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
    for (const { ready, failed } of due) this.#closed === undefined ? ready() : failed(this.#closed.reason);
  }
}
