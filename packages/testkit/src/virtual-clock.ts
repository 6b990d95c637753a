import type { Clock } from '@fdpass/core';

interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/**
 * A clock that moves only when it is told to, so that tests of delays take no time and give the same result each run.
 *
 * Timers run in the order they are due, and in the order they were set where that is equal. Before the first and after
 * each one, everything that is ready (microtasks, `process.nextTick`, due immediates, files that are being read) runs until it
 * rests.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];

  /** Milliseconds since this clock was made. */
  now(): number {
    return this.#now;
  }

  /** Calls `action` once the clock was moved `delayMs` forward; the function that comes back cancels it. */
  after(delayMs: number, action: () => void): () => void {
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), action };
    const later = this.#timers.findIndex((other) => other.due > timer.due);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers are set: 0 once the code under test has cleaned up. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves `ms` forward and runs what falls due on the way, timers set meanwhile included. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#runUntil(end);
    this.#now = end;
  }

  /**
   * Runs until no timer is left; the time is then that of the last one.
   *
   * @param limit So that a timer which sets itself again for ever fails the test instead of hanging it.
   */
  async runAll(limit = 10_000): Promise<void> {
    await this.#runUntil(Number.POSITIVE_INFINITY, limit);
  }

  async #runUntil(end: number, limit = Number.POSITIVE_INFINITY): Promise<void> {
    await settle();
    for (let count = 0; (this.#timers[0]?.due ?? Number.NaN) <= end; count++) {
      if (count === limit) throw new Error(`${limit} timers ran and there are still more`);
      const timer = this.#timers.shift() as Timer;
      this.#now = timer.due;
      timer.action();
      await settle();
    }
  }
}

/**
 * An immediate runs when all microtasks and ticks are done; the second one lets streams emit their last events. What is read
 * from files, such as modules that are loaded on demand, takes real time.
 */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2 || isReading(); turn++) await new Promise((resolve) => setImmediate(resolve));
}

function isReading(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name));
}
