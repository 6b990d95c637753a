import { MASK, showHost, showPath } from '../ground/shown.js';
import { formatHostPort } from '../ground/target.js';
import type { ConditionSet } from './condition.js';
import type { Pattern } from './pattern.js';

/*
 * Patterns and conditions as they can be shown.
 */

/** What names and wildcards consist of, or addresses and networks. */
const PLAIN_PATTERN = /^!?(?:[\w\u00a1-\uffff.*?/-]+|\[?[\da-f:.*?]+(?:%\w+)?\]?(?:\/\d+)?)$/i;

/** A pattern of a rule. */
export function showPattern(source: string): string {
  return PLAIN_PATTERN.test(source) ? source : MASK;
}

/** What a condition wants, a text for each entry. */
export function showCondition<Key extends keyof ConditionSet>(key: Key, value: ConditionSet[Key]): readonly string[] {
  const show = SHOWN[key] as (value: ConditionSet[Key]) => string[];
  return value === undefined ? [] : show(value);
}

const showPatterns = (patterns: readonly Pattern[]): string[] => patterns.map(({ source }) => showPattern(source));

const SHOWN: { readonly [Key in keyof ConditionSet]-?: (value: NonNullable<ConditionSet[Key]>) => string[] } = {
  localNetwork: (networks) => networks.map(({ source }) => source), // it is one
  profile: showPatterns,
  interface: showPatterns,
  reachable: (places) =>
    places.map(({ negated, host, port }) => `${negated ? '!' : ''}${showHost(formatHostPort(host, port))}`),
  exec: ({ command: [program = '', ...args] }) => [showPath(program), ...args.map(() => MASK)],
};
