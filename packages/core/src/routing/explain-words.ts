import { DEFAULT_LIMIT_MS } from '../dial/expectation.js';
import type { BeforeSettings, DialSettings, RetrySettings } from '../dial/settings.js';
import { formatMs } from '../ground/clock.js';
import type { Where } from '../ground/errors.js';
import { isShownPath } from '../ground/shown.js';
import type { ConditionOutcome } from '../rules/conditions.js';
import type { Matchers } from '../rules/rule.js';
import type { RuleTrial } from '../rules/rule-table.js';
import { showPattern } from '../rules/show-condition.js';
import { readBefore } from './before.js';
import { checkSettings } from './check-settings.js';
import { type HopScope, splitSettings } from './hop.js';
import { showSettings } from './show-hops.js';

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

/** What a rule wants done around the dial, a line each, for `explain`. Never a secret. @param written Checked. */
export async function settingsInWords(
  written: Readonly<Record<string, unknown>>,
  scope: HopScope,
): Promise<readonly string[]> {
  const { before, ...others } = written;
  const { dns, resolve, expect, expectTimeout, retry } = await checkSettings(
    splitSettings(others, { baseDir: '/' }).settings,
  );
  const shown = await showSettings(others, scope);
  return [
    ...(dns === undefined ? [] : [`names are looked up by ${dns.join(', ')}`]),
    ...(resolve === undefined ? [] : [`the name of the target is looked up ${resolve}`]),
    ...(before === undefined ? [] : [describeBefore(readBefore(before))]),
    ...(expect === undefined ? [] : [describeExpect(expect, shown['expect'], expectTimeout)]),
    ...(retry === undefined ? [] : [describeRetry(retry)]),
  ];
}

function describeBefore({ command: [program = ''], timeoutMs }: BeforeSettings): string {
  const limit = timeoutMs === 0 ? '' : `, for at most ${formatMs(timeoutMs)}`;
  return `runs ${isShownPath(program) ? program : 'a command'} first, once for each dial${limit}`;
}

function describeExpect(expect: DialSettings['expect'], shown: unknown, limitMs = DEFAULT_LIMIT_MS): string {
  if (expect === false) return 'nobody looks at what the server says first';
  const texts = [shown].flat().map((text) => JSON.stringify(text));
  return `the server has to begin with ${texts.join(' or ')} within ${formatMs(limitMs)}`;
}

function describeRetry({ times, backoffMs, on, timeoutMs }: RetrySettings): string {
  const again = times === 1 ? 'once more' : `${times} times more`;
  const each = timeoutMs === undefined ? '' : `, each try for at most ${formatMs(timeoutMs)}`;
  return `tries ${again} after ${formatMs(backoffMs)} and longer if it fails for one of: ${on.join(', ')}${each}`;
}
