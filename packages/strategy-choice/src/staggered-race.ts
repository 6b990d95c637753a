import type { Duplex } from 'node:stream';
import { allFailed, type DialContext, FdpassError, type LostWay, messageOf } from '@fdpass/core';
import type { Way } from './way.js';

/*
 * A race of routes with a preference.
 *
 * Happy Eyeballs (RFC 8305, section 5) races addresses that are as good as each other: the first to connect wins. Routes
 * are not: a cable beats a VPN even if the VPN connects ten milliseconds earlier. So:
 *
 * 1. The routes start in order of preference, each some time after the one before it, and at once when the newest one
 *    has failed. (When an older one fails, its successor runs already and is owed its own time.)
 * 2. When a route connects, all that are less preferred are closed, and no further one starts.
 * 3. If better ones are still running they get a grace: the best that connects within it wins. The grace runs from the
 *    first connection and is not prolonged by a second. It ends early when no better route is left.
 * 4. A connection that breaks while it waits is a failure like others, and the race goes on.
 *
 * As in Happy Eyeballs every event ends in `#advance`, the only place that decides what happens next.
 */

/** One route on the starting line. */
export interface Runner extends Way {
  /** Milliseconds after the start of the one before it; after the start of the race for the first. */
  readonly delayMs: number;
}

export interface RacePlan {
  /** The best one first. */
  readonly runners: readonly Runner[];
  /** Milliseconds a connection waits for a better route that still runs. */
  readonly graceMs: number;
}

/**
 * Runs a race and resolves to the stream of the winner, which belongs to the caller.
 *
 * Rejects with an FdpassError that holds every failure when all are lost, or with `context.signal.reason` as soon as
 * that aborts. Either way all others are aborted or closed and no timer is left by then.
 */
export function runRace(plan: RacePlan, context: DialContext): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    if (context.signal.aborted) reject(context.signal.reason);
    else new Race(plan, context, resolve, reject).start();
  });
}

interface Run {
  readonly index: number;
  readonly label: string;
  readonly startedAt: number;
  readonly controller: AbortController;
}

interface Held {
  readonly run: Run;
  readonly stream: Duplex;
  readonly broken: (error?: unknown) => void;
}

class Race {
  readonly #plan: RacePlan;
  readonly #context: DialContext;
  readonly #resolve: (winner: Duplex) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #running = new Set<Run>();
  readonly #lost: LostWay[] = [];
  #next = 0;
  #newest: Run | undefined;
  /** The best connection so far, while it waits for a better one. */
  #held: Held | undefined;
  #stopDelay: (() => void) | undefined;
  #stopGrace: (() => void) | undefined;
  #over = false;

  constructor(
    plan: RacePlan,
    context: DialContext,
    resolve: (winner: Duplex) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#plan = plan;
    this.#context = context;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#context.signal.addEventListener('abort', this.#abort);
    this.#delayNext();
    this.#advance();
  }

  #advance(): void {
    if (this.#over || this.#stopDelay !== undefined) return;
    const runner = this.#plan.runners[this.#next];
    if (this.#held !== undefined) {
      if (this.#running.size === 0) this.#win(this.#held);
    } else if (runner !== undefined) this.#run(runner);
    else if (this.#running.size === 0) this.#lose();
  }

  #run(runner: Runner): void {
    const { clock, trace } = this.#context;
    const controller = new AbortController();
    const run: Run = { index: this.#next, label: runner.label, startedAt: clock.now(), controller };
    this.#next++;
    this.#running.add(run);
    this.#newest = run;
    trace({ event: 'try', route: runner.label });
    if (this.#over) return; // whoever listens may abort
    this.#delayNext();
    void this.#follow(run, runner);
    this.#advance();
  }

  async #follow(run: Run, runner: Runner): Promise<void> {
    try {
      const stream = await runner.open({ ...this.#context, signal: run.controller.signal });
      if (this.#running.has(run)) this.#connected(run, stream);
      else stream.on('error', () => {}).destroy(); // two connected in the same turn of the event loop
    } catch (error) {
      if (this.#running.has(run)) this.#failed(run, error);
    }
  }

  #connected(run: Run, stream: Duplex): void {
    this.#running.delete(run);
    this.#report('try-connected', run);
    this.#endDelay();
    this.#dropHeld();
    for (const other of this.#running) if (other.index > run.index) this.#cancel(other);
    if (this.#over) {
      stream.on('error', () => {}).destroy();
      return;
    }
    this.#hold(run, stream);
    this.#advance();
  }

  #hold(run: Run, stream: Duplex): void {
    const broken = (error?: unknown): void => {
      this.#dropHeld();
      this.#endGrace();
      this.#failed(run, error ?? new FdpassError('unreachable', 'closed while it waited for a better route'));
    };
    stream.once('error', broken).once('close', broken);
    this.#held = { run, stream, broken };
    this.#stopGrace ??= this.#context.clock.after(this.#plan.graceMs, () => this.#graceIsOver());
    if (this.#plan.graceMs === 0) this.#graceIsOver();
  }

  #graceIsOver(): void {
    if (this.#held !== undefined) this.#win(this.#held);
  }

  #failed(run: Run, error: unknown): void {
    this.#running.delete(run);
    this.#lost.push({ label: run.label, error });
    this.#report('try-failed', run, { reason: messageOf(error) });
    if (run === this.#newest) this.#endDelay();
    this.#advance();
  }

  #win(held: Held): void {
    release(held);
    this.#held = undefined;
    this.#finish();
    this.#resolve(held.stream);
  }

  #lose(): void {
    this.#finish();
    this.#reject(allFailed(`none of ${this.#lost.length} routes leads there`, this.#lost));
  }

  readonly #abort = (): void => {
    this.#finish();
    this.#reject(this.#context.signal.reason);
  };

  #finish(): void {
    this.#over = true;
    this.#context.signal.removeEventListener('abort', this.#abort);
    this.#endDelay();
    this.#endGrace();
    this.#dropHeld();
    for (const run of this.#running) this.#cancel(run);
  }

  #cancel(run: Run): void {
    this.#running.delete(run);
    this.#report('try-cancelled', run);
    run.controller.abort();
  }

  #dropHeld(): void {
    if (this.#held === undefined) return;
    release(this.#held);
    this.#held.stream.on('error', () => {}).destroy();
    this.#held = undefined;
  }

  #report(event: string, run: Run, details: object = {}): void {
    const { clock, trace } = this.#context;
    trace({ event, route: run.label, ms: clock.now() - run.startedAt, ...details });
  }

  /** Holds the next route back for its time, if it has any. */
  #delayNext(): void {
    const delayMs = this.#plan.runners[this.#next]?.delayMs ?? 0;
    if (delayMs === 0) return;
    this.#stopDelay = this.#context.clock.after(delayMs, () => {
      this.#stopDelay = undefined;
      this.#advance();
    });
  }

  #endDelay(): void {
    this.#stopDelay?.();
    this.#stopDelay = undefined;
  }

  #endGrace(): void {
    this.#stopGrace?.();
    this.#stopGrace = undefined;
  }
}

/** Lets go of a stream without closing it. */
function release({ stream, broken }: Held): void {
  stream.off('error', broken).off('close', broken);
}
