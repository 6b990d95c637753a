import { abortStateOf, onAbort } from '../ground/abortable.js';
import type { Clock } from '../ground/clock.js';
import { isFdpassError } from '../ground/errors.js';
import { formatHostPort, type Target } from '../ground/target.js';
import { messageOf } from '../ground/text.js';
import type { DialMark, Trace, TraceEvent } from '../ground/trace.js';
import { type CountedMark, type DialContext, type HopContext, MARK, withMark } from './context.js';

/** The report of a hop's dial: its start has been reported, its end will be. */
export interface DialReport {
  /** For what happens inside the dial. */
  readonly context: DialContext;
  dialled(): void;
  failed(error: unknown): void;
}

/** The dial to report. */
export interface ReportedDial {
  /** Undefined for a hop that the user did not write: it reports nothing, and what happens inside it is the outer dial's. */
  readonly hop: string | undefined;
  readonly target: Target;
  readonly clock: Clock;
}

/**
 * Starts the report of a dial. Returns undefined if nobody would hear it.
 *
 * @param context What the dial would be given without a report.
 * @param outer The context of whoever dials.
 */
export function reportDial(
  context: DialContext,
  outer: DialContext,
  { hop, target, clock }: ReportedDial,
): DialReport | undefined {
  if (hop === undefined || outer.trace.isQuiet === true) return undefined;
  const { mark, parent } = nextMark(outer);
  const end = new DialEnd(outer, mark, clock);
  const { trace } = end;
  trace({ event: 'dial', hop, target: formatHostPort(target.host, target.port), ...(parent && { parent }) });
  end.onCancel((ms) => ({ event: 'dial-cancelled', hop, ms }));
  return {
    context: withMark(context, mark, trace),
    dialled: () => end.report((ms) => ({ event: 'dialled', hop, ms })),
    failed: (error) => end.report((ms) => ({ event: 'dial-failed', hop, ms, reason: messageOf(error) })),
  };
}

function nextMark(outer: HopContext): { readonly mark: CountedMark; readonly parent: number | undefined } {
  const around = outer[MARK];
  const count = around?.count ?? { last: 0 };
  count.last += 1;
  return { mark: { id: count.last, depth: around === undefined ? 0 : around.depth + 1, count }, parent: around?.id };
}

/** Marks the events of a dial until that has ended, which it reports once. */
class DialEnd {
  readonly #outer: DialContext;
  readonly #mark: DialMark;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #release = (): void => {};
  #isOver = false;

  constructor(outer: DialContext, { id, depth }: DialMark, clock: Clock) {
    this.#outer = outer;
    this.#mark = { id, depth };
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** A connection goes on reporting after its dial: to the hop that then uses it. */
  readonly trace: Trace = (event) => {
    const isMarked = event.within !== undefined || this.#isOver;
    this.#outer.trace(isMarked ? event : { ...event, within: this.#mark });
  };

  /**
   * Reports an abort at once, whenever the dial notices it. The end of a deadline is not reported here, since the error that
   * follows says what the dial was waiting for.
   */
  onCancel(event: (ms: number) => TraceEvent): void {
    this.#release = onAbort(abortStateOf(this.#outer), (reason) => isFdpassError(reason) || this.report(event));
  }

  report(event: (ms: number) => TraceEvent): void {
    if (this.#isOver) return;
    this.#release();
    this.trace(event(this.#clock.now() - this.#startedAt));
    this.#isOver = true;
  }
}
