import type { Lab } from './lab.js';
import type { StrategySubject } from './subject.js';

/** One thing asked of a strategy. */
export interface Check {
  /** What a good strategy does; the name by which it is skipped. */
  readonly name: string;
  /** Whether it can be asked of this strategy at all. Default: always. */
  readonly applies?: (subject: StrategySubject) => boolean;
  /** @throws for a strategy that does not. The message says what to do about it. */
  run(lab: Lab): Promise<void>;
}

/** Fails a check: what went wrong, and what the author can do. */
export function demand(holds: boolean, wrong: string, remedy: string): asserts holds {
  if (!holds) throw new Error(`${wrong}; ${remedy}`);
}
