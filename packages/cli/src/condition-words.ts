import type { ConditionOutcome } from '@fdpass/core/host';

/** Conditions of a rule and what was found out about them, e.g. `interface wg0: not up`. */
export function describeConditions(outcomes: readonly ConditionOutcome[]): string {
  return outcomes
    .map(
      ({ condition, isNegated, wanted, found }) =>
        `${isNegated ? 'not ' : ''}${condition} ${wanted.join(' ')}: ${found}`,
    )
    .join('; ');
}
