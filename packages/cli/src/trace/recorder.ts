import { messageOf, type Trace } from '@fdpass/core';
import { buildTimeline } from './dial-tree.js';
import type { Moment, TraceReport, TraceResult } from './timeline.js';

/** Collects what happens during a dial, with the time since the process started. */
export class Recorder {
  readonly #moments: Moment[] = [];
  readonly #now: () => number;

  /** @param now Milliseconds since the process started. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Give this to the dial. */
  readonly trace: Trace = (event) => this.add(event);

  add(event: Moment['event'], atMs: number = this.#now()): void {
    this.#moments.push({ atMs, event });
  }

  /**
   * Runs a part of the command's work, and records how long it took, or why it failed.
   *
   * @param name What it is called if it fails.
   */
  async stage<T>(name: string, work: () => Promise<T>, describe: (result: T) => string): Promise<T> {
    const startedMs = this.#now();
    try {
      const result = await work();
      this.add({ event: 'stage', text: describe(result), ms: this.#now() - startedMs });
      return result;
    } catch (error) {
      this.add({ event: 'stage', text: name, ms: this.#now() - startedMs, reason: messageOf(error) });
      throw error;
    }
  }

  get nowMs(): number {
    return this.#now();
  }

  /** All that has happened, in its order. */
  get moments(): readonly Moment[] {
    return this.#moments;
  }

  /** The newest event. */
  get newest(): Moment | undefined {
    return this.#moments.at(-1);
  }

  /** What has happened so far. */
  report(target: string, result?: TraceResult): TraceReport {
    const nowMs = this.#now();
    return { target, rows: buildTimeline(this.#moments, nowMs), nowMs, result };
  }
}
