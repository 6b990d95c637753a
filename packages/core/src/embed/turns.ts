import { setImmediate } from '../ground/timers.js';

/** After so many, other work of the program has its turn. Each goes on for some ten microseconds before it first waits. */
const MOST = 16;

/**
 * Lets a limited number of dials begin in each turn of the event loop. A program that starts a thousand at once could do
 * nothing else until the last of them has begun to connect.
 */
export class Turns {
  /** How many can begin in this turn. */
  #left = MOST;
  readonly #waiting: (() => void)[] = [];
  #nextTurn: NodeJS.Immediate | undefined;

  /** Undefined if the dial can begin at once; otherwise it begins when that resolves. The order is kept. */
  next(): Promise<void> | undefined {
    this.#awaitTurn();
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    this.#nextTurn?.ref();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** As long as nobody waits, the event loop does not have to hurry through a turn for it. */
  #awaitTurn(isAwaited = false): void {
    if (this.#nextTurn !== undefined) return;
    this.#nextTurn = setImmediate(() => {
      this.#nextTurn = undefined;
      const due = this.#waiting.splice(0, MOST);
      this.#left = MOST - due.length;
      if (this.#left === 0) this.#awaitTurn(this.#waiting.length > 0);
      for (const begin of due) begin();
    });
    if (!isAwaited) this.#nextTurn.unref();
  }
}
