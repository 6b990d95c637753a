import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import type { Clock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import type { Candidate } from './attempt.js';
import type { DialContext } from './dialer.js';
import { allFailed } from './failures.js';
import { type Candidates, type RaceOptions, race } from './race.js';

/*
 * A world for races: a clock, candidates that connect, fail, break or stay silent at set times, and a record of what the
 * race did with them. race.spec.ts plays tables of such worlds, random-race.spec.ts thousands of random ones.
 */

/** What a candidate opens. */
export class FakeConnection {
  readonly name: string;
  readonly listeners: Set<(error: unknown) => void> = new Set();
  isDestroyed = false;
  readonly #closed: () => void;

  constructor(name: string, closed: () => void) {
    this.name = name;
    this.#closed = closed;
  }

  onBroken(listener: (error: unknown) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The other side ends it, with an error or without. */
  break(error?: unknown): void {
    for (const listener of this.listeners) listener(error);
  }

  destroy(): void {
    if (!this.isDestroyed) this.#closed();
    this.isDestroyed = true;
  }
}

/** What happens to a candidate: after how many milliseconds, and what. `silent` never ends by itself. */
export type Outcome = readonly [afterMs: number, result: 'ok' | FdpassError['code']] | 'silent';

/** By the name of the candidate, in the order of preference. */
export type Table = Readonly<Record<string, Outcome>>;

/** Candidates on a clock that is moved by hand, and all that they and a race of them did: `0 start a`, `250 abort b`. */
export class World {
  readonly clock: HandClock = new HandClock();
  readonly controller: AbortController = new AbortController();
  readonly log: string[] = [];
  readonly events: TraceEvent[] = [];
  readonly connections: Map<string, FakeConnection> = new Map();
  /** What aborted each candidate. */
  readonly reasons: Map<string, unknown> = new Map();
  /** Called with each event, before it is kept. */
  onEvent: (event: TraceEvent) => void = () => {};
  /** Candidates that go on although they are aborted. */
  readonly deaf: Set<string> = new Set();
  readonly #table: Table;
  #running = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** All candidates of the table. */
  list(headStartMs?: number): Candidate<FakeConnection>[] {
    return Object.keys(this.#table).map((name) => this.candidate(name, headStartMs));
  }

  candidate(label: string, headStartMs?: number): Candidate<FakeConnection> {
    const open = async ({ signal }: DialContext): Promise<FakeConnection> => {
      this.#note(`start ${label}`);
      this.#running++;
      try {
        return await this.#outcome(label, signal);
      } finally {
        this.#running--;
      }
    };
    return headStartMs === undefined ? { label, open } : { label, headStartMs, open };
  }

  get context(): DialContext {
    const trace = (event: TraceEvent): void => {
      this.events.push(event);
      this.onEvent(event);
    };
    return { signal: this.controller.signal, trace };
  }

  /** Starts a race, and follows it. */
  race(
    candidates: Candidates<FakeConnection> | readonly Candidate<FakeConnection>[] = this.list(),
    options: Partial<RaceOptions> = {},
  ): Outcomes {
    const lost: RaceOptions['lost'] = (failures) => allFailed(`none of ${failures.length} works`, failures);
    const racing = race(candidates, { of: 'route', lost, ...options }, this.context, this.clock);
    return new Outcomes(racing, this.clock);
  }

  /** Fails unless nobody runs, no timer and no listener is left, and only the winner's connection is open. */
  expectClean(winner?: FakeConnection, what?: string): void {
    const open = [...this.connections.values()].filter(({ isDestroyed }) => !isDestroyed).map(({ name }) => name);
    const watched = [...this.connections.values()].filter(({ listeners }) => listeners.size > 0);
    const listeners = getEventListeners(this.controller.signal, 'abort').length;
    expect(
      { open, running: this.#running, timers: this.clock.pending, listeners, watched: watched.length },
      what,
    ).to.deep.equal({
      open: winner === undefined ? [] : [winner.name],
      running: 0,
      timers: 0,
      listeners: 0,
      watched: 0,
    });
  }

  #outcome(name: string, signal: AbortSignal): Promise<FakeConnection> {
    return new Promise((resolve, reject) => {
      const outcome = this.#table[name] ?? 'silent';
      const end = (result: 'ok' | FdpassError['code']): void => {
        signal.removeEventListener('abort', abort);
        if (result === 'ok') resolve(this.#connect(name));
        else reject(new FdpassError(result, `${name} is ${result}`, { hint: `mend ${name}` }));
      };
      const stop = outcome === 'silent' ? () => {} : this.clock.after(outcome[0], () => end(outcome[1]));
      const abort = (): void => {
        stop();
        this.#note(`abort ${name}`);
        this.reasons.set(name, signal.reason);
        reject(signal.reason);
      };
      if (!this.deaf.has(name)) signal.addEventListener('abort', abort, { once: true });
    });
  }

  #connect(name: string): FakeConnection {
    const connection = new FakeConnection(name, () => this.#note(`close ${name}`));
    this.connections.set(name, connection);
    return connection;
  }

  #note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }
}

/** A race that can be looked at without waiting for it. */
export class Outcomes {
  winner: FakeConnection | undefined;
  error: unknown;
  /** When it was over. */
  endedAt: number | undefined;

  constructor(racing: Promise<FakeConnection>, clock: Clock) {
    racing
      .then(
        (connection) => {
          this.winner = connection;
        },
        (error: unknown) => {
          this.error = error;
        },
      )
      .finally(() => {
        this.endedAt = clock.now();
      });
  }

  get failure(): FdpassError {
    expect(this.error, 'the race should be lost').to.be.instanceOf(FdpassError);
    return this.error as FdpassError;
  }
}

/** Candidates that arrive one after the other, each at its moment. */
export class Arriving implements Candidates<FakeConnection> {
  /** How often a race has started it. */
  starts = 0;
  /** Aborts when the race no longer wants anything. */
  signal: AbortSignal | undefined;
  readonly #waiting: Candidate<FakeConnection>[] = [];
  readonly #clock: Clock;
  readonly #due: readonly (readonly [atMs: number, candidate: Candidate<FakeConnection>])[];
  readonly #closesAt: number;
  #isOpen = true;

  /** @param closesAt When it is known that no more will come. */
  constructor(
    clock: Clock,
    due: readonly (readonly [atMs: number, candidate: Candidate<FakeConnection>])[],
    closesAt: number,
  ) {
    this.#clock = clock;
    this.#due = due;
    this.#closesAt = closesAt;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  next(): Candidate<FakeConnection> | undefined {
    return this.#waiting.shift();
  }

  start(changed: () => void, { signal }: DialContext): void {
    this.starts++;
    this.signal = signal;
    const cancels = this.#due.map(([atMs, candidate]) =>
      this.#clock.after(atMs, () => {
        this.#waiting.push(candidate);
        changed();
      }),
    );
    const close = this.#clock.after(this.#closesAt, () => {
      this.#isOpen = false;
      changed();
    });
    signal.addEventListener('abort', () => {
      for (const cancel of [...cancels, close]) cancel();
    });
  }
}
