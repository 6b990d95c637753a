import { withAdded } from '../ground/lists.js';
import { NODE_MAJOR } from '../ground/runtime.js';
import { setImmediate } from '../ground/timers.js';
import type { Poller, Readiness, Waiter } from './sys.js';

/** What can be waited for, as bits. */
export const BITS: Readonly<Record<Readiness, number>> = { readable: 1, writable: 2, closed: 4 };

interface Wait {
  readonly what: Readiness;
  readonly waiter: Waiter;
}

/** Node 26 runs no promise job after a callback that does not come from one of its own handles. */
const NEEDS_TURN = NODE_MAJOR >= 25;

/** Those who wait for a descriptor. What it waits with is up to the classes derived from it. */
export abstract class WaitList implements Poller {
  #waits: Wait[] = [];
  #closed: { readonly reason: unknown } | undefined;

  until(what: Readiness): Promise<void> {
    return new Promise((ready, failed) => this.wait(what, { ready, failed }));
  }

  wait(what: Readiness, waiter: Waiter): void {
    if (this.#closed !== undefined) {
      waiter.failed(this.#closed.reason);
      return;
    }
    this.#waits = withAdded(this.#waits, { what, waiter });
    try {
      this.arm(this.wanted);
    } catch (error) {
      this.#waits.pop();
      waiter.failed(error); // e.g. no descriptor is left
    }
  }

  close(reason?: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.release();
    for (const { waiter } of this.#waits.splice(0)) waiter.failed(reason);
  }

  /** Waits for these events, a sum of {@link BITS}. */
  protected abstract arm(wanted: number): void;

  /** Stops waiting, for ever. */
  protected abstract release(): void;

  /** Settles those who wait for one of these events; false if nobody does. */
  protected happened(events: number): boolean {
    const isDue = ({ what }: Wait): boolean => (BITS[what] & events) !== 0;
    const all = this.#waits;
    if (!all.some(isDue)) return false;
    const due = all.every(isDue) ? all : all.filter(isDue); // mostly there is one
    this.#waits = due === all ? [] : all.filter((wait) => !isDue(wait));
    if (NEEDS_TURN) setImmediate(() => this.#settle(due));
    else this.#settle(due);
    return true;
  }

  /** What is still waited for. */
  protected get wanted(): number {
    let bits = 0;
    for (const { what } of this.#waits) bits |= BITS[what];
    return bits;
  }

  #settle(due: readonly Wait[]): void {
    for (const { waiter } of due) this.#closed === undefined ? waiter.ready() : waiter.failed(this.#closed.reason);
  }
}
