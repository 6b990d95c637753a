import type { Connection } from '../connection/connection.js';
import { isConnection } from '../connection/stream.js';
import { type Clock, startDeadline } from '../ground/clock.js';
import { isFdpassError } from '../ground/errors.js';
import type { Candidate } from './attempt.js';
import type { DialContext } from './dialer.js';
import { DEFAULT_LIMIT_MS, SSH_PREFIX } from './expectation.js';
import { type ExpectedGreeting, greetingError, type Look, lookAtGreeting, wordsOf } from './greeting.js';
import { type Candidates, type RaceOptions, race } from './race.js';

type Closable = { destroy(reason?: unknown): void };

/** A connection that has not greeted as an ssh server does. */
interface Doubt<T> {
  readonly value: T & Connection;
  readonly label: string;
  /** Its place in the order of preference. */
  readonly index: number;
  /** Silence is less suspicious than the wrong words. */
  readonly isSilent: boolean;
}

/** A route that is being tried. */
interface Trial {
  /** Aborts when it is the only one left: then it is taken as it is. */
  readonly onlyOne: AbortController;
}

/** Longer than any dial. */
const WATCH_MS = 24 * 3_600_000;

/**
 * A race of routes to port 22 without an `expect` from the user. The greeting of each is looked at before it wins. Since fdpass
 * can be wrong about what is there, the result must never be worse than taking the first route that connects:
 *
 * - A route is not looked at if it is the only one left.
 * - If a route stays silent too long, or says something else, it stays open and the next one is tried. It wins if it greets
 *   after all, or if no other route works.
 * - One that closes has failed: there is nothing left of it.
 */
export class DoubtingRace<T extends Closable> {
  readonly #source: Candidates<T>;
  readonly #options: RaceOptions;
  readonly #context: DialContext;
  readonly #clock: Clock;
  readonly #expected: ExpectedGreeting;
  readonly #running = new Set<Trial>();
  readonly #doubts = new Set<Doubt<T>>();
  /** Aborts when the race is over. */
  readonly #over = new AbortController();
  /** Ends the race for a doubt that has greeted. */
  readonly #greeted = new AbortController();
  #late: Doubt<T> | undefined;
  #ahead: Candidate<T> | undefined;
  /** How many routes the race has taken, which can be one more than it has opened. */
  #count = 0;
  #opened = 0;

  /** @param limitMs How long a server has to greet. Default 5000. */
  constructor(
    source: Candidates<T>,
    options: RaceOptions,
    context: DialContext,
    clock: Clock,
    limitMs: number = DEFAULT_LIMIT_MS,
  ) {
    this.#source = source;
    this.#options = options;
    this.#context = context;
    this.#clock = clock;
    this.#expected = { prefixes: [SSH_PREFIX], limitMs };
  }

  /** As `race` does: the winner belongs to the caller, and nothing else is left open. */
  async run(): Promise<T> {
    const context = this.#context;
    const { signal, release } = startDeadline(0, [context.signal, this.#greeted.signal], this.#clock);
    let winner: T | undefined;
    try {
      winner = await race(this.#candidates(), this.#options, { ...context, signal }, this.#clock);
      return winner;
    } catch (error) {
      winner = context.signal.aborted ? undefined : this.#bestDoubt();
      if (winner === undefined) throw error;
      return winner;
    } finally {
      release();
      this.#over.abort();
      for (const { value } of this.#doubts) if (value !== winner) value.destroy();
    }
  }

  #candidates(): Candidates<T> {
    const source = this.#source;
    return {
      next: () => {
        const candidate = this.#peekNext();
        this.#ahead = undefined;
        if (candidate === undefined) return undefined;
        const index = this.#count++;
        return { ...candidate, open: (inner) => this.#open(candidate, index, inner) };
      },
      get isOpen() {
        return source.isOpen;
      },
      start: (changed, context) => source.start?.(changed, context),
    };
  }

  #peekNext(): Candidate<T> | undefined {
    this.#ahead ??= this.#source.next();
    return this.#ahead;
  }

  /** Whether no route could win but the one that is running. */
  #isOnlyOne(): boolean {
    const isLast = this.#peekNext() === undefined && !this.#source.isOpen;
    return isLast && this.#opened === this.#count && this.#running.size === 1 && this.#doubts.size === 0;
  }

  async #open(candidate: Candidate<T>, index: number, inner: DialContext): Promise<T> {
    const { label } = candidate;
    const trial: Trial = { onlyOne: new AbortController() };
    this.#running.add(trial);
    this.#opened++;
    try {
      const value = await candidate.open(inner);
      if (isConnection(value)) await this.#check({ value, label, index }, trial, inner);
      return value;
    } catch (error) {
      this.#running.delete(trial);
      if (this.#isOnlyOne()) for (const { onlyOne } of this.#running) onlyOne.abort();
      throw error;
    }
  }

  /** Fails for a connection that must not win now. */
  async #check(route: Omit<Doubt<T>, 'isSilent'>, { onlyOne }: Trial, inner: DialContext): Promise<void> {
    if (this.#isOnlyOne()) return;
    const { value } = route;
    const { signal, release } = startDeadline(0, [inner.signal, onlyOne.signal], this.#clock);
    inner.trace({ event: 'waiting', for: 'the greeting of the server' });
    try {
      const look = await lookAtGreeting(value, this.#expected, { ...inner, clock: this.#clock, signal });
      if (look.result !== 'expected') throw this.#doubt(route, look);
      inner.trace({ event: 'greeted', text: wordsOf(look.bytes) });
    } catch (error) {
      if (onlyOne.signal.aborted && !inner.signal.aborted) return;
      if (this.#isOverLimit(inner)) this.#keep({ ...route, isSilent: true });
      else if (!this.#isKept(value)) value.destroy(error);
      throw error;
    } finally {
      release();
    }
  }

  /** Whether the time for one route is over, as its options have it: the dial goes on. */
  #isOverLimit({ signal }: DialContext): boolean {
    return signal.aborted && isFdpassError(signal.reason) && !this.#context.signal.aborted;
  }

  #doubt(route: Omit<Doubt<T>, 'isSilent'>, look: Look): Error {
    if (look.result !== 'closed') this.#keep({ ...route, isSilent: look.result === 'silent' });
    return greetingError(look, this.#expected);
  }

  #isKept(value: T): boolean {
    return [...this.#doubts].some((doubt) => doubt.value === value);
  }

  #keep(doubt: Doubt<T>): void {
    this.#doubts.add(doubt);
    if (doubt.isSilent) void this.#watch(doubt);
  }

  /** It may greet while others are tried, or end. */
  async #watch(doubt: Doubt<T>): Promise<void> {
    const { signal } = this.#over;
    const { trace } = this.#context;
    const expected = { ...this.#expected, limitMs: WATCH_MS };
    const look = await lookAtGreeting(doubt.value, expected, { trace, clock: this.#clock, signal }).catch(
      () => undefined,
    );
    if (look?.result === 'closed') {
      this.#doubts.delete(doubt);
      doubt.value.destroy();
    }
    if (look?.result !== 'expected') return;
    this.#late = doubt;
    this.#greeted.abort();
  }

  #bestDoubt(): T | undefined {
    const rank = ({ isSilent, index }: Doubt<T>): number => (isSilent ? index : this.#count + index);
    const best = this.#late ?? [...this.#doubts].toSorted((a, b) => rank(a) - rank(b))[0];
    if (best === undefined) return undefined;
    const text = best === this.#late ? 'has greeted after all' : 'has connected, and no other route works';
    this.#context.trace({ event: 'note', text: `${best.label} ${text}` });
    return best.value;
  }
}
