import { type Clock, systemClock, type TraceEvent } from '@fdpass/core';
import { openStatusLine, type StatusLine } from './status-line.js';

/** How long a dial can take before whoever waits is told that it goes on. */
const PATIENCE_MS = 1000;

/** Whatever comes after these stands on the terminal itself: words of a child, a question, an error, the session. */
const LAST = new Set<TraceEvent['event']>(['output', 'asking', 'handed-over', 'failed']);

/** Tells the user of a dial that takes long. The line is written once, so it never mixes with what others write. */
export class WaitingLine {
  readonly #status: StatusLine;
  readonly #clock: Clock;
  #cancel = (): void => {};

  constructor(status: StatusLine = openStatusLine(), clock: Clock = systemClock) {
    this.#status = status;
    this.#clock = clock;
  }

  /** Starts with the route, and ends when anything else is written. */
  hear(event: TraceEvent): void {
    if (event.event === 'route') this.#start(`fdpass: connecting to ${event.target} through ${event.chain} ...`);
    else if (LAST.has(event.event)) this.end();
  }

  end(): void {
    this.#cancel();
    this.#status.clear();
  }

  #start(text: string): void {
    this.#cancel = this.#clock.after(PATIENCE_MS, () => this.#status.show(text));
  }
}
