import type { Where } from '../ground/where.js';
import type { ConditionOutcome } from '../rules/conditions.js';
import type { Matchers } from '../rules/rule.js';
import type { RuleTrial } from '../rules/rule-table.js';
import { showPattern } from '../rules/show-condition.js';

/** A rule that does not match a target. */
export interface SkippedRule {
  /** Counted from 1. */
  readonly rule: number;
  /**
   * What did not match: `host`, `port`, `user`, `alias`, `localNetwork` or the key of a condition; with `(not given)` if the
   * target has none, and `not ` before it for a condition under `not`.
   */
  readonly why: string;
  /** What the rule wants there, as it was written, `***` for what is not shown. Absent for `localNetwork` and conditions. */
  readonly wanted?: readonly string[];
  /** What was found out about its conditions, up to the one that does not hold. Absent if they were not asked. */
  readonly conditions?: readonly ConditionOutcome[];
  /** Where the rule is written. */
  readonly where: Where;
}

/** Why a rule was skipped; none for the one that matched. */
export function describeSkipped({ rule, index, matched, why = '', conditions }: RuleTrial): SkippedRule[] {
  if (matched) return [];
  const wanted = wantedBy(rule, why);
  const more = { ...(wanted && { wanted }), ...(conditions && { conditions }) };
  return [{ rule: index + 1, why, ...more, where: rule.where() }];
}

function wantedBy(rule: Matchers, why: string): string[] | undefined {
  const [matcher] = why.split(' ');
  if (matcher === 'port')
    return rule.port?.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  if (matcher !== 'host' && matcher !== 'user' && matcher !== 'alias') return undefined;
  return rule[matcher]?.map(({ source }) => showPattern(source));
}
