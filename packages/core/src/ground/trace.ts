/** One thing that happened in a dial. `event` is a word in kebab-case, the rest are its details, safe to show. */
export interface TraceEvent {
  /** What happened, one word with dashes; the README of each strategy lists its own. */
  readonly event: string;
  readonly [detail: string]: unknown;
}

/** Where a dial reports what happens. Must not throw. */
export type Trace = (event: TraceEvent) => void;

/** Reports to nobody. */
export const noTrace: Trace = () => {};
