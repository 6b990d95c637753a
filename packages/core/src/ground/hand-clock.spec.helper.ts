import type { Clock } from './clock.js';

interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/**
 * A clock that a test moves by hand. Timers run in the order in which they fall due. The testkit publishes a clock of this
 * kind too, but core cannot depend on it.
 */
export class HandClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { due: this.#now + delayMs, action };
    const later = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Jumps to a later moment. What falls due on the way runs at once, at that moment. */
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.due <= this.#now);
    this.#timers = this.#timers.slice(due.length);
    for (const { action } of due) action();
  }

  /** Lets time pass: everything that is ready runs before and after each timer, so that two timers of one moment are two events. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#runUntil(end);
    this.#now = end;
  }

  /** Lets time pass, 100 ms in each turn of the event loop, until `work` has settled. Settles as that does. */
  async passUntil<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    for (; !isOver; this.advance(100)) await rest();
    return work;
  }

  /** Lets time pass until no timer is left. */
  runAll(): Promise<void> {
    return this.#runUntil(Number.POSITIVE_INFINITY);
  }

  async #runUntil(end: number): Promise<void> {
    await rest();
    while ((this.#timers[0]?.due ?? Number.NaN) <= end) {
      const { due, action } = this.#timers.shift() as Timer;
      this.#now = due;
      action();
      await rest();
    }
  }
}

/** Until everything that is ready has run, and what is read from files has come: modules that are loaded on demand take real time. */
async function rest(): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve));
  while (process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name)));
}
