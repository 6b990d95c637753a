import type { Network } from '../ground/ip.js';
import type { Conditions } from './condition.js';
import {
  accepts,
  exactSubject,
  type LocalNetwork,
  type Pattern,
  type PatternList,
  type PatternTest,
  type PortRange,
} from './pattern.js';
import type { Matchers, Rule } from './rule.js';

/*
 * Rules that can never match, since an earlier one takes every target that they could. Where that is hard to tell, the
 * answer is no: a warning must be right.
 */

/** All that a rule asks. */
type Asking = Matchers & Pick<Rule, 'conditions'>;

/** Whether `earlier` matches every target that `later` matches. */
export function covers(earlier: Asking, later: Asking): boolean {
  return (
    (earlier.host === undefined || coversPatterns(earlier.host, later.host ?? ANY_HOST)) &&
    (earlier.port === undefined || coversPorts(earlier.port, later.port ?? ANY_PORT)) &&
    (earlier.user === undefined || (later.user !== undefined && coversPatterns(earlier.user, later.user))) &&
    (earlier.alias === undefined || (later.alias !== undefined && coversPatterns(earlier.alias, later.alias))) &&
    (earlier.localNetwork === undefined || isSameNetworks(earlier.localNetwork, later.localNetwork)) &&
    (earlier.conditions === undefined || isSame(earlier.conditions, later.conditions))
  );
}

/** Whether a rule matches every target. */
export function matchesAll(rule: Asking): boolean {
  return covers(rule, {});
}

const ANY_HOST: PatternList = [{ source: '*', negated: false, test: { kind: 'glob', glob: '*' } }];
const ANY_PORT: readonly PortRange[] = [{ first: 1, last: 65535 }];

function coversPatterns(earlier: PatternList, later: PatternList): boolean {
  const [accepted, excluded] = split(earlier);
  const [wanted, left] = split(later);
  const isAccepted = (test: PatternTest): boolean => accepted.some((pattern) => coversTest(pattern, test));
  const isLeftAnyway = (test: PatternTest): boolean =>
    left.some((pattern) => coversTest(pattern, test)) || wanted.every((pattern) => areDisjoint(pattern, test));
  return wanted.every(isAccepted) && excluded.every(isLeftAnyway);
}

function split(patterns: PatternList): [positive: PatternTest[], negated: PatternTest[]] {
  const tests = (isNegated: boolean): PatternTest[] =>
    patterns.filter(({ negated }: Pattern) => negated === isNegated).map(({ test }) => test);
  return [tests(false), tests(true)];
}

/** Whether `outer` accepts every text that `inner` accepts. */
function coversTest(outer: PatternTest, inner: PatternTest): boolean {
  if (outer.kind === 'glob' && /^\*+$/.test(outer.glob)) return true;
  switch (inner.kind) {
    case 'exact':
      return acceptsText(outer, inner.text);
    case 'network':
      return (
        outer.kind === 'network' && isWithin(inner.network, outer.network) && (outer.zone ?? inner.zone) === inner.zone
      );
    case 'below':
      return acceptsText(outer, inner.domain) && acceptsShape(outer, `*.${inner.domain}`);
    case 'glob':
      return acceptsShape(outer, inner.glob);
  }
}

/** A character that no pattern names: only wildcards accept it. */
const ANYTHING = '\u0001';

/**
 * Whether `outer` accepts all that `glob` does: with nothing in place of its stars, with one character, and with more than
 * all the `?` of `outer` could take.
 */
function acceptsShape(outer: PatternTest, glob: string): boolean {
  const many = ANYTHING.repeat(outer.kind === 'glob' ? outer.glob.length + 1 : 2);
  return ['', ANYTHING, many].every((filler) =>
    acceptsText(outer, glob.replaceAll('*', filler).replaceAll('?', ANYTHING)),
  );
}

function acceptsText(test: PatternTest, text: string): boolean {
  return accepts(test, exactSubject(text));
}

/** Whether no text is accepted by both; false if that is hard to tell. */
function areDisjoint(a: PatternTest, b: PatternTest): boolean {
  if (a.kind === 'exact') return !acceptsText(b, a.text);
  if (b.kind === 'exact') return !acceptsText(a, b.text);
  if (a.kind === 'network' && b.kind === 'network')
    return !isWithin(a.network, b.network) && !isWithin(b.network, a.network);
  return false;
}

function isWithin(inner: Network, outer: Network): boolean {
  return (
    inner.bits === outer.bits &&
    inner.length >= outer.length &&
    inner.prefix >> BigInt(inner.length - outer.length) === outer.prefix
  );
}

function coversPorts(earlier: readonly PortRange[], later: readonly PortRange[]): boolean {
  const sorted = earlier.toSorted((a, b) => a.first - b.first);
  return later.every(({ first, last }) => {
    let next = first;
    for (const range of sorted) if (range.first <= next) next = Math.max(next, range.last + 1);
    return next > last;
  });
}

function isSameNetworks(earlier: readonly LocalNetwork[], later: readonly LocalNetwork[] | undefined): boolean {
  const keysOf = (list: readonly LocalNetwork[]): string =>
    list
      .map(({ negated, network: { bits, length, prefix } }) => [negated, bits, length, prefix].join(' '))
      .sort()
      .join();
  return later !== undefined && keysOf(earlier) === keysOf(later);
}

/** Whether they were written alike: what else means the same is hard to tell. */
function isSame(earlier: Conditions, later: Conditions | undefined): boolean {
  const written = (value: unknown): string =>
    JSON.stringify(value, (key, part) => (key === 'network' ? undefined : part)); // its source is there
  return written(earlier) === written(later);
}
