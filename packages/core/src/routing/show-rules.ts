import { MASK } from '../ground/shown.js';
import type { Where } from '../ground/where.js';
import type { Matchers } from '../rules/rule.js';
import type { RuleTrial } from '../rules/rule-table.js';

/** A rule that does not match a target. */
export interface SkippedRule {
  /** Counted from 1. */
  readonly rule: number;
  /** What did not match: `host`, `port`, `user`, `alias` or `localNetwork`; with `(not given)` if the target has none. */
  readonly why: string;
  /** What the rule wants there, as it was written, `***` for what is not shown. Absent for `localNetwork`. */
  readonly wanted?: readonly string[];
  /** Where the rule is written. */
  readonly where: Where;
}

/** What names and wildcards consist of, or addresses and networks. */
const PLAIN_PATTERN = /^!?(?:[\w\u00a1-\uffff.*?/-]+|\[?[\da-f:.*?]+(?:%\w+)?\]?(?:\/\d+)?)$/i;

/** A pattern of a rule. */
export function showPattern(source: string): string {
  return PLAIN_PATTERN.test(source) ? source : MASK;
}

/** Why a rule was skipped; none for the one that matched. */
export function describeSkipped({ rule, index, matched, why = '' }: RuleTrial): SkippedRule[] {
  if (matched) return [];
  const wanted = wantedBy(rule, why);
  return [{ rule: index + 1, why, ...(wanted && { wanted }), where: rule.where() }];
}

function wantedBy(rule: Matchers, why: string): string[] | undefined {
  const [matcher] = why.split(' ');
  if (matcher === 'port')
    return rule.port?.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  if (matcher !== 'host' && matcher !== 'user' && matcher !== 'alias') return undefined;
  return rule[matcher]?.map(({ source }) => showPattern(source));
}
