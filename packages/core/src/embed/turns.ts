/** After so many, other work of the program has its turn. Each goes on for some ten microseconds before it first waits. */
const MOST = 32;

/**
 * Lets a limited number of dials begin in each turn of the event loop. A program that starts a thousand at once could do
 * nothing else until the last of them has begun to connect.
 */
export class Turns {
  /** How many can begin in this turn. */
  #left = MOST;
  readonly #waiting: (() => void)[] = [];
  #isAwaitingTurn = false;

  /** Undefined if the dial can begin at once; otherwise it begins when that resolves. The order is kept. */
  next(): Promise<void> | undefined {
    this.#awaitTurn();
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #awaitTurn(): void {
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    setImmediate(() => {
      this.#isAwaitingTurn = false;
      const due = this.#waiting.splice(0, MOST);
      this.#left = MOST - due.length;
      if (this.#left === 0) this.#awaitTurn();
      for (const begin of due) begin();
    });
  }
}
