import { type Abortable, abortStateOf, makeAbortable } from '../ground/abortable.js';
import { type Clock, formatMs, timedOut } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { promiseOf } from '../ground/promise-of.js';
import { messageOf } from '../ground/text.js';
import type { TraceEvent } from '../ground/trace.js';
import type { DialContext } from './dialer.js';

/** Something to try. */
export interface Candidate<T> {
  /** How errors and traces show it. */
  readonly label: string;
  /** Milliseconds that it runs before the next one joins. 0: the next starts at once. Default: until it fails. */
  readonly headStartMs?: number;
  /** Opens it; rejects with the signal's reason when that aborts, and then leaves nothing open. */
  open(context: DialContext): Promise<T>;
}

/**
 * What is tried: one address, or one route of several. It decides which events are reported. A route leads to the server itself:
 * nothing is said over its connection before that wins, so its greeting can be looked at.
 */
export type AttemptKind = 'address' | 'route';

/** How an attempt ended by itself. */
export type AttemptResult<T> = { readonly value: T } | { readonly error: unknown };

/** What attempts of one race share. */
export interface AttemptSetup {
  readonly of: AttemptKind;
  /** How long one can take; 0 or less means no limit. */
  readonly timeoutMs: number;
  readonly context: DialContext;
  readonly clock: Clock;
}

/** How long a candidate has to end by itself once its time is over. */
const LAST_WORD_MS = 100;

/** One candidate being tried: its start, reports, limit and abort. Every attempt that fdpass reports is reported here. */
export class Attempt<T extends { destroy(reason?: unknown): void }> {
  /** Its place in the order of preference, from 0. */
  readonly index: number;
  readonly label: string;
  readonly #candidate: Candidate<T>;
  readonly #setup: AttemptSetup;
  readonly #startedAt: number;
  /** Undefined if it has no limit of its own. */
  readonly #controller: Abortable | undefined;
  #cancelTimer = (): void => {};
  #isOver = false;

  /** @param isAlone Whether there is no other candidate, and none can come. */
  constructor(candidate: Candidate<T>, index: number, setup: AttemptSetup, isAlone: boolean) {
    this.index = index;
    this.label = candidate.label;
    this.#candidate = candidate;
    this.#setup = setup;
    this.#startedAt = setup.clock.now();
    this.#controller = isAlone && setup.timeoutMs <= 0 ? undefined : makeAbortable();
  }

  /** Reports the start. Whoever listens can cancel the attempt at this moment. */
  announce(): void {
    const { of, context } = this.#setup;
    context.trace(of === 'address' ? { event: 'attempt', address: this.label } : { event: 'try', route: this.label });
  }

  /** Opens the connection; `settled` is called once, unless the attempt is cancelled before. */
  run(settled: (attempt: Attempt<T>, result: AttemptResult<T>) => void): void {
    const { context } = this.#setup;
    const signal = this.#controller?.signal;
    const state = signal ?? abortStateOf(context);
    const end = (result: AttemptResult<T>): void => {
      if (this.#isOver) return;
      this.#finish();
      if ('error' in result) this.#report('failed', messageOf(result.error));
      else this.#report('connected');
      settled(this, result);
    };
    this.#startLimit((error) => end({ error }));
    promiseOf(() => this.#candidate.open(signal === undefined ? context : { ...context, signal })).then(
      (value) => {
        if (!state.aborted) return end({ value });
        value.destroy(); // it came too late
        end({ error: state.reason });
      },
      (error: unknown) => end({ error: state.aborted && !isTimeout(error) ? state.reason : error }),
    );
  }

  /** Its connection broke while it waited for a better one. */
  broke(error: unknown): void {
    this.#report('failed', messageOf(error));
  }

  /**
   * Ends it, because another one has won or the dial is over. What it opens later is destroyed.
   *
   * @param reason What its signal aborts with. Default: an AbortError.
   */
  cancel(reason?: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#report('cancelled');
    this.#controller?.abort(reason);
  }

  #finish(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }

  /**
   * Aborts the candidate when its time is over. The candidate then ends by itself: a chain of hops says which of them was
   * caught. One that ignores its signal is left behind.
   */
  #startLimit(expired: (error: FdpassError) => void): void {
    const { of, clock, timeoutMs } = this.#setup;
    if (timeoutMs <= 0) return;
    this.#cancelTimer = clock.after(timeoutMs, () => {
      const error =
        of === 'address' ? new FdpassError('timeout', `no answer within ${formatMs(timeoutMs)}`) : timedOut(timeoutMs);
      this.#cancelTimer = clock.after(LAST_WORD_MS, () => expired(error));
      this.#controller?.abort(error);
    });
  }

  #report(outcome: 'connected' | 'failed' | 'cancelled', reason = ''): void {
    const { of, context, clock } = this.#setup;
    const ms = clock.now() - this.#startedAt;
    context.trace(
      of === 'address' ? addressEvent(outcome, this.label, ms, reason) : routeEvent(outcome, this.label, ms, reason),
    );
  }
}

function isTimeout(error: unknown): boolean {
  return isFdpassError(error) && error.code === 'timeout';
}

function addressEvent(
  outcome: 'connected' | 'failed' | 'cancelled',
  address: string,
  ms: number,
  reason: string,
): TraceEvent {
  if (outcome === 'failed') return { event: 'attempt-failed', address, ms, reason };
  return { event: outcome === 'connected' ? 'connected' : 'attempt-cancelled', address, ms };
}

function routeEvent(
  outcome: 'connected' | 'failed' | 'cancelled',
  route: string,
  ms: number,
  reason: string,
): TraceEvent {
  if (outcome === 'failed') return { event: 'try-failed', route, ms, reason };
  return { event: outcome === 'connected' ? 'try-connected' : 'try-cancelled', route, ms };
}
