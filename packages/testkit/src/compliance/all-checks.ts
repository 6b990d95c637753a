import type { Check } from './checks.js';
import { DELIVERY } from './delivery.js';
import { ENDINGS } from './endings.js';
import { SHAPE } from './shape.js';
import type { StrategySubject } from './subject.js';

const CHECKS: readonly Check[] = [...SHAPE, ...DELIVERY, ...ENDINGS];

/** How long one check can take: it makes up to some hundred dials. */
export const CHECK_TIMEOUT_MS = 60_000;

/** The checks that can be asked of a strategy, in their order. */
export function checksFor(subject: StrategySubject): readonly Check[] {
  return CHECKS.filter(({ applies }) => applies?.(subject) ?? true);
}

/** The names of all checks, by which {@link StrategySubject.skip} leaves some out. */
export const CHECK_NAMES: readonly string[] = CHECKS.map(({ name }) => name);
