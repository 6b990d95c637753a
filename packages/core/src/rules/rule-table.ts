import { type IpAddress, parseIp } from '../ground/ip.js';
import { fromSystemError } from '../ground/system-error.js';
import type { Target } from '../ground/target.js';
import {
  exactSubject,
  hostSubject,
  matchLocalNetworks,
  matchPatterns,
  matchPort,
  type PatternList,
  type Subject,
} from './pattern.js';
import type { Matchers, Rule } from './rule.js';

/** What rules can ask about the machine. */
export interface RuleEnvironment {
  /** This machine's addresses; called at most once for a route, and only if a rule asks. */
  readonly localAddresses?: (() => readonly string[]) | undefined;
}

/** The result of one rule for one target. */
export interface RuleTrial {
  readonly rule: Rule;
  /** From 0, in the order of the rules. */
  readonly index: number;
  readonly matched: boolean;
  /** The matcher that does not match: `host`, `port`, `user`, `alias` or `localNetwork`. Absent if it matched. */
  readonly why?: string | undefined;
}

/** Rules ready for look-ups. */
export interface RuleTable {
  readonly rules: readonly Rule[];
  /** The first rule that matches. */
  find(target: Target): { readonly rule: Rule; readonly index: number } | undefined;
  /** Every rule up to the first that matches, and why the ones before it do not. */
  explain(target: Target): readonly RuleTrial[];
}

/** Makes rules ready for look-ups. @throws nothing: patterns were checked when they were parsed. */
export function compileRules(rules: readonly Rule[], environment: RuleEnvironment = {}): RuleTable {
  const subjectOf = (target: Target): RouteSubject => routeSubject(target, environment.localAddresses ?? ownAddresses);
  return {
    rules,
    find(target) {
      const subject = subjectOf(target);
      const index = rules.findIndex((rule) => firstMismatch(rule, subject) === undefined);
      const rule = rules[index];
      return rule && { rule, index };
    },
    explain: (target) => explainRules(rules, subjectOf(target)),
  };
}

function explainRules(rules: readonly Rule[], subject: RouteSubject): readonly RuleTrial[] {
  const trials: RuleTrial[] = [];
  for (const [index, rule] of rules.entries()) {
    const why = firstMismatch(rule, subject);
    if (why === undefined) return [...trials, { rule, index, matched: true }];
    trials.push({ rule, index, matched: false, why });
  }
  return trials;
}

/** A target, and what one routing decision has found out about it. */
interface RouteSubject {
  readonly host: Subject;
  readonly port: number;
  readonly user: Subject | undefined;
  readonly alias: Subject | undefined;
  /** This machine's addresses, asked for at most once. */
  readonly own: () => readonly IpAddress[];
}

/** Prepares a target for matching; `localAddresses` is called only if a rule asks, and then once. */
function routeSubject(target: Target, localAddresses: () => readonly string[]): RouteSubject {
  let own: readonly IpAddress[] | undefined;
  return {
    host: hostSubject(target.host),
    port: target.port,
    user: target.user === undefined ? undefined : exactSubject(target.user),
    alias: target.alias === undefined ? undefined : hostSubject(target.alias),
    own: () => (own ??= localAddresses().flatMap((address) => parseIp(address) ?? [])),
  };
}

/** The first matcher that does not hold, cheapest first; undefined if the rule matches. */
function firstMismatch(rule: Matchers, subject: RouteSubject): string | undefined {
  if (rule.port !== undefined && !matchPort(rule.port, subject.port)) return 'port';
  if (rule.host !== undefined && !matchPatterns(rule.host, subject.host)) return 'host';
  return (
    mismatchOf('alias', rule.alias, subject.alias) ??
    mismatchOf('user', rule.user, subject.user) ??
    (rule.localNetwork === undefined || matchLocalNetworks(rule.localNetwork, subject.own())
      ? undefined
      : 'localNetwork')
  );
}

function mismatchOf(name: string, patterns: PatternList | undefined, subject: Subject | undefined): string | undefined {
  if (patterns === undefined) return undefined;
  if (subject === undefined) return `${name} (not given)`;
  return matchPatterns(patterns, subject) ? undefined : name;
}

/** The addresses of this machine's interfaces that are up. @throws FdpassError if the system does not tell. */
export function ownAddresses(): readonly string[] {
  try {
    const { networkInterfaces } = process.getBuiltinModule('node:os'); // few rules ask for them
    return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  } catch (error) {
    throw fromSystemError(error, 'cannot list the addresses of this machine');
  }
}
