import { type Clock, oneLine, systemClock, type TraceEvent } from '@fdpass/core';
import { openStatusLine, type StatusLine } from './status-line.js';

/** How long a dial can take before the user is told that it is still in progress. */
const PATIENCE_MS = 1000;

/** After these events something else writes to the terminal: a child, a question, an error, the session. */
const LAST = new Set<TraceEvent['event']>(['output', 'asking', 'handed-over', 'failed']);

/**
 * Tells the user about a dial that takes long, or is made again. It writes one line for each, once, so that it never mixes with
 * the output of others.
 */
export class WaitingLine {
  readonly #status: StatusLine;
  readonly #clock: Clock;
  #cancel = (): void => {};
  #route = '';
  /** The text of the line, until a line has said that the dial is tried again. */
  #text: string | undefined;

  constructor(status: StatusLine = openStatusLine(), clock: Clock = systemClock) {
    this.#status = status;
    this.#clock = clock;
  }

  /** Starts with a condition, the route or a new try, and ends when anything else is written. */
  hear(event: TraceEvent): void {
    if (event.event === 'condition') this.#start(`fdpass: asking ${event.condition}`);
    else if (event.event === 'route') this.#startRoute(`${event.target} through ${event.chain}`);
    else if (event.event === 'run') this.#start(`fdpass: running ${event.program}`);
    else if (event.event === 'run-ended') this.#start(this.#route);
    else if (event.event === 'retry') this.#tryAgain(event['reason'] as string);
    else if (LAST.has(event.event)) this.end();
  }

  end(): void {
    this.#cancel();
    this.#text = undefined;
    this.#status.clear();
  }

  #startRoute(words: string): void {
    this.#route = `fdpass: connecting to ${words}`;
    this.#start(this.#route);
  }

  #start(text: string): void {
    if (this.#text !== undefined) this.end();
    this.#text = text;
    this.#cancel = this.#clock.after(PATIENCE_MS, () => this.#status.show(`${text} ...`));
  }

  /** Says so the first time, and why. */
  #tryAgain(reason: string): void {
    if (this.#text === undefined) return;
    this.#cancel();
    this.#status.show(`${this.#text}: ${oneLine(reason)}; trying again ...`);
    this.#text = undefined;
  }
}
