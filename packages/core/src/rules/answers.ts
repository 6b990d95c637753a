import type { Clock } from '../ground/clock.js';

/** What was found out by asking. */
export interface Answer {
  readonly holds: boolean;
  /** In a few words, e.g. `connection refused`. */
  readonly found: string;
  /** How many milliseconds it was waited for in vain: who has more patience has to ask again. Absent if it came. */
  readonly waitedMs?: number | undefined;
}

/** The answers of a dial so far, by what was asked: plain data, for a process that goes on with the dial. */
export type Answers = Readonly<Record<string, Answer>>;

/** What conditions have asked, for all dials that share an environment. An answer, or that there is none, holds for a while. */
export class SharedAnswers {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #asked = new Map<string, Promise<Answer>>();
  #since = Number.NEGATIVE_INFINITY;

  /** @param keepMs How long at most. `Infinity` means always. */
  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** The answer to a question; it is asked if that has not been done lately. */
  find(question: string, ask: () => Promise<Answer>): Promise<Answer> {
    // All at once, not each with a timer: whoever asks about many hosts would have as many.
    if (this.#clock.now() - this.#since >= this.#keepMs) this.forget();
    if (this.#asked.size === 0) this.#since = this.#clock.now();
    const asked = this.#asked.get(question);
    if (asked !== undefined) return asked;
    const asking = ask();
    this.#asked.set(question, asking);
    return asking;
  }

  /** Forgets all answers. */
  forget(): void {
    this.#asked.clear();
  }
}
