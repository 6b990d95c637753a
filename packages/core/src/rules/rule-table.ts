import { type IpAddress, parseIp } from '../ground/ip.js';
import type { Target } from '../ground/target.js';
import type { ConditionOutcome } from './conditions.js';
import { ownAddresses } from './own-addresses.js';
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
  /** The key that does not match, e.g. `host` or `interface`; `not interface` for one under `not`. Absent if it matched. */
  readonly why?: string | undefined;
  /** What was found out about its conditions, up to the first that does not hold. Absent if they were not asked. */
  readonly conditions?: readonly ConditionOutcome[] | undefined;
}

/** Finds out whether the conditions of a rule hold. */
export type AskConditions = (rule: Rule) => Promise<readonly ConditionOutcome[]>;

/** What the rules say of one target. */
export interface RuleDecision {
  /** The first rule that matches. */
  readonly match?: { readonly rule: Rule; readonly index: number } | undefined;
  /** Every rule up to that, and why the ones before it do not match. */
  readonly trials: readonly RuleTrial[];
}

/** Rules ready for look-ups. */
export interface RuleTable {
  readonly rules: readonly Rule[];
  /** Finds the first rule that matches: at once, unless conditions have to be asked. Rejects as `ask` does. */
  decide(target: Target, ask: AskConditions): RuleDecision | Promise<RuleDecision>;
}

/** Makes rules ready for look-ups. @throws nothing: patterns were checked when they were parsed. */
export function compileRules(rules: readonly Rule[], environment: RuleEnvironment = {}): RuleTable {
  return {
    rules,
    decide: (target, ask) => decide(rules, routeSubject(target, environment.localAddresses ?? ownAddresses), ask),
  };
}

/** @param trials The rules that do not match. */
function decide(
  rules: readonly Rule[],
  subject: RouteSubject,
  ask: AskConditions,
  trials: RuleTrial[] = [],
): RuleDecision | Promise<RuleDecision> {
  for (let index = trials.length; index < rules.length; index++) {
    const rule = rules[index] as Rule;
    const mismatch = firstMismatch(rule, subject);
    if (mismatch === undefined && rule.conditions !== undefined) {
      return ask(rule).then((conditions) => {
        const failed = conditions.find(({ holds }) => !holds);
        const why = failed && `${failed.isNegated ? 'not ' : ''}${failed.condition}`;
        trials.push({ rule, index, matched: why === undefined, why, conditions });
        return why === undefined ? { match: { rule, index }, trials } : decide(rules, subject, ask, trials);
      });
    }
    trials.push({ rule, index, matched: mismatch === undefined, why: mismatch });
    if (mismatch === undefined) return { match: { rule, index }, trials };
  }
  return { trials };
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
