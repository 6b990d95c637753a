import { type Abortable, abortStateOf, listenForAbort, makeAbortable, NOT_LISTENING } from '../ground/abortable.js';
import type { Clock } from '../ground/clock.js';
import { FdpassError, withoutStack } from '../ground/errors.js';
import { isList, withAdded } from '../ground/lists.js';
import { endOfFile } from '../ground/system-error.js';
import { Attempt, type AttemptKind, type AttemptResult, type AttemptSetup, type Candidate } from './attempt.js';
import { withState } from './context.js';
import type { DialContext } from './dialer.js';
import type { Failure } from './failures.js';

/*
 * How several things are tried, wherever that happens: addresses of a host, routes to it, its names, its servers.
 *
 * Candidates come in order of preference. Each runs for a head start before the next one joins it, and a failure ends the
 * head start. All the ways to try are settings of that:
 *
 * - One after the other: the head start is endless.
 * - Happy Eyeballs (RFC 8305, section 5): it is the connection attempt delay, 250 ms. Addresses are as good as each
 *   other, so the first to connect wins.
 * - A race of routes: a cable beats a VPN even if the VPN connects ten milliseconds earlier. So when a route connects,
 *   all that are less preferred are closed, no further one starts, and better ones that still run get a grace. The best
 *   that connects within it wins. The grace runs from the first connection and a second one does not prolong it. A
 *   connection that breaks while it waits is a failure like any other, and the race goes on.
 *
 * Only the failure of the newest attempt starts the next one early. When an older one fails, its successor runs already
 * and is owed its own head start. Candidates can still be arriving (look-ups are under way): the race is lost when none
 * runs, none is left and none can come.
 *
 * It is one small state machine: every event (an arrival, a failure, time that has passed) ends in `#advance`, the only
 * place that decides what happens next.
 */

/** Candidates that can still be arriving, in order of preference. */
export interface Candidates<T> {
  /** Takes the next one out; undefined if there is none for now. */
  next(): Candidate<T> | undefined;
  /** Whether more can come. */
  readonly isOpen: boolean;
  /**
   * Called once, when the race starts, if more can come. Call `changed` when there is news. The context is the dial's, but it
   * aborts when the race is over although more could come: stop then.
   */
  start?(changed: () => void, context: DialContext): void;
}

/** How candidates are tried. */
export interface RaceOptions {
  /** What they are; it decides which events are reported. */
  readonly of: AttemptKind;
  /** Makes the error when all have failed. */
  readonly lost: (failures: readonly Failure[]) => FdpassError;
  /** Milliseconds that a connection waits for a better candidate that still runs. Default 0. */
  readonly graceMs?: number | undefined;
  /** Milliseconds for each candidate. Default: no limit but that of the dial. */
  readonly timeoutMs?: number | undefined;
  /** Told the label of the winner: see {@link Winners}. Default: nobody is. */
  readonly won?: ((label: string) => void) | undefined;
}

type Closable = { destroy(reason?: unknown): void; onBroken?(listener: (error: unknown) => void): () => void };

/**
 * Runs a race and resolves to what the winner has opened, which belongs to the caller.
 *
 * Rejects with the error of `options.lost`, or with the signal's reason as soon as that aborts. Either way all others are
 * aborted or destroyed, and no timer is left.
 */
export function race<T extends { destroy(reason?: unknown): void }>(
  candidates: Candidates<T> | readonly Candidate<T>[],
  options: RaceOptions,
  context: DialContext,
  clock: Clock,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const state = abortStateOf(context);
    if (state.aborted) return reject(state.reason);
    const source = asTheyArrive(candidates) as Candidates<T & Closable>;
    new Race<T & Closable>(source, options, context, clock, resolve, reject).start();
  });
}

/** Candidates as they arrive, also where they are all there. */
export function asTheyArrive<T>(given: Candidates<T> | readonly Candidate<T>[]): Candidates<T> {
  if (!isList(given)) return given;
  let at = 0;
  return { next: () => given[at++], isOpen: false };
}

/** The best connection so far, while it waits for a better one. */
interface Standby<T extends Closable> {
  readonly attempt: Attempt<T>;
  readonly value: T;
  readonly stopWatching: () => void;
}

/** A signal that aborts without a reason makes one, which costs more than the rest of a race that was won at once. */
const OVER = withoutStack(() => new Error('the race is over'));

class Race<T extends Closable> {
  readonly #source: Candidates<T>;
  readonly #options: RaceOptions;
  readonly #setup: AttemptSetup;
  readonly #resolve: (winner: T) => void;
  readonly #reject: (reason: unknown) => void;
  /** Ends the arrival of candidates; undefined if none can come. */
  #arrivals: Abortable | undefined;
  /** Whoever listens can bring another attempt, or end them all, while these are cancelled: see `#cancelAll`. */
  #running: Attempt<T>[] = [];
  readonly #failures: Failure[] = [];
  #count = 0;
  #newest: Attempt<T> | undefined;
  /** Taken out of the source ahead of its turn. */
  #following: Candidate<T> | undefined;
  #standby: Standby<T> | undefined;
  /** Ends the head start that holds the next candidate back; undefined if nothing does. */
  #stopHeadStart: (() => void) | undefined;
  #stopGrace: (() => void) | undefined;
  #listening = NOT_LISTENING;
  #isOver = false;

  constructor(
    source: Candidates<T>,
    options: RaceOptions,
    context: DialContext,
    clock: Clock,
    resolve: (winner: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#source = source;
    this.#options = options;
    this.#setup = { of: options.of, timeoutMs: options.timeoutMs ?? 0, context, clock };
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#listening = listenForAbort(abortStateOf(this.#setup.context), (reason) =>
      this.#end(() => this.#reject(reason), reason),
    );
    if (this.#source.isOpen) {
      this.#arrivals = makeAbortable();
      this.#source.start?.(() => this.#advance(), withState(this.#setup.context, this.#arrivals));
    }
    this.#advance();
  }

  #advance(): void {
    if (this.#isOver) return;
    if (this.#standby !== undefined) {
      if (this.#running.length === 0) this.#winStandby();
      return;
    }
    if (this.#stopHeadStart !== undefined) return;
    const candidate = this.#following ?? this.#source.next();
    this.#following = undefined;
    if (candidate !== undefined) this.#try(candidate);
    else if (!this.#source.isOpen && this.#running.length === 0) {
      this.#end(() => this.#reject(this.#options.lost(this.#failures)));
    }
  }

  #try(candidate: Candidate<T>): void {
    if (!this.#source.isOpen) this.#following = this.#source.next();
    const isLast = !this.#source.isOpen && this.#following === undefined;
    const attempt = new Attempt(candidate, this.#count, this.#setup, isLast && this.#count === 0);
    this.#count++;
    this.#running = withAdded(this.#running, attempt);
    this.#newest = attempt;
    attempt.announce();
    if (this.#isOver) return; // whoever listens can abort
    if (!isLast) this.#holdNext(candidate.headStartMs ?? Number.POSITIVE_INFINITY);
    attempt.run((ended, result) => this.#settled(ended, result));
    this.#advance();
  }

  #holdNext(headStartMs: number): void {
    if (headStartMs === 0) return;
    const isEndless = headStartMs === Number.POSITIVE_INFINITY;
    const cancel = isEndless ? () => {} : this.#setup.clock.after(headStartMs, () => this.#endHeadStart(true));
    this.#stopHeadStart = cancel;
  }

  #settled(attempt: Attempt<T>, result: AttemptResult<T>): void {
    this.#forget(attempt);
    if ('value' in result) this.#connected(attempt, result.value);
    else if (!this.#isOver) this.#failed(attempt, result.error);
  }

  #failed(attempt: Attempt<T>, error: unknown): void {
    this.#failures.push({ label: attempt.label, error });
    if (attempt === this.#newest) this.#endHeadStart(false);
    this.#advance();
  }

  #connected(attempt: Attempt<T>, value: T): void {
    this.#endHeadStart(false);
    this.#dropStandby();
    this.#cancelAll((other) => other.index > attempt.index);
    if (this.#isOver) {
      value.destroy(); // whoever listened has aborted
      return;
    }
    const { graceMs = 0 } = this.#options;
    if (graceMs <= 0) {
      this.#win(attempt, value);
      return;
    }
    const stopWatching = value.onBroken?.((error) => this.#broke(attempt, error)) ?? (() => {});
    this.#standby = { attempt, value, stopWatching };
    this.#stopGrace ??= this.#setup.clock.after(graceMs, () => this.#winStandby());
    this.#advance();
  }

  #broke(attempt: Attempt<T>, error: unknown): void {
    const reason =
      error ?? new FdpassError('unreachable', 'closed while it waited for a better route', { cause: endOfFile() });
    this.#dropStandby();
    this.#endGrace();
    attempt.broke(reason);
    this.#failed(attempt, reason);
  }

  #winStandby(): void {
    if (this.#standby === undefined) return;
    const { attempt, value, stopWatching } = this.#standby;
    stopWatching();
    this.#standby = undefined;
    this.#win(attempt, value);
  }

  #win({ label }: Attempt<T>, value: T): void {
    const state = abortStateOf(this.#setup.context);
    this.#end(() => {
      if (!state.aborted) {
        this.#options.won?.(label);
        return this.#resolve(value);
      }
      value.destroy(); // whoever listens has aborted when the others were cancelled
      this.#reject(state.reason);
    });
  }

  /** @param reason Why the attempts that still run are cancelled, if the dial was aborted. */
  #end(settle: () => void, reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listening.stop();
    this.#endHeadStart(false);
    this.#endGrace();
    this.#dropStandby();
    if (this.#source.isOpen) this.#arrivals?.abort(OVER); // else nobody is left to hear it
    this.#cancelAll(() => true, reason);
    settle();
  }

  /** Looks for the next one each time, since those that run can change with each that is cancelled. */
  #cancelAll(isMeant: (attempt: Attempt<T>) => boolean, reason?: unknown): void {
    for (let next = this.#running.find(isMeant); next !== undefined; next = this.#running.find(isMeant)) {
      this.#forget(next);
      next.cancel(reason);
    }
  }

  #forget(attempt: Attempt<T>): void {
    const at = this.#running.indexOf(attempt);
    if (at !== -1) this.#running.splice(at, 1);
  }

  #dropStandby(): void {
    this.#standby?.stopWatching();
    this.#standby?.value.destroy();
    this.#standby = undefined;
  }

  #endHeadStart(isOver: boolean): void {
    this.#stopHeadStart?.();
    this.#stopHeadStart = undefined;
    if (isOver) this.#advance();
  }

  #endGrace(): void {
    this.#stopGrace?.();
    this.#stopGrace = undefined;
  }
}
