import type { Target } from '../ground/target.js';
import { ownAddresses } from './local-network.js';
import { firstMismatch, type RouteSubject, routeSubject } from './match-rule.js';
import { PatternIndex } from './pattern-index.js';
import type { Rule } from './rule.js';

/** What the rules may ask of the machine. */
export interface RuleEnvironment {
  /** This machine's addresses; called at most once for a route, and only if a rule asks. */
  readonly localAddresses?: (() => readonly string[]) | undefined;
}

/** One rule tried against one target. */
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
  let index: RuleIndex | undefined;
  let isFirst = true;
  return {
    rules,
    find(target) {
      const subject = subjectOf(target);
      // A command routes once: then filing every rule costs more than trying each.
      if (!isFirst) index ??= new RuleIndex(rules);
      isFirst = false;
      const found = index === undefined ? firstOf(rules, subject) : index.find(subject);
      const rule = found === undefined ? undefined : rules[found];
      return rule === undefined || found === undefined ? undefined : { rule, index: found };
    },
    explain: (target) => explainRules(rules, subjectOf(target)),
  };
}

function firstOf(rules: readonly Rule[], subject: RouteSubject): number | undefined {
  const index = rules.findIndex((rule) => firstMismatch(rule, subject) === undefined);
  return index === -1 ? undefined : index;
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

/** Rules filed by their most telling matcher: the host, else the alias, else the user. */
class RuleIndex {
  readonly #rules: readonly Rule[];
  readonly #byHost = new PatternIndex();
  readonly #byAlias = new PatternIndex();
  readonly #byUser = new PatternIndex();
  readonly #others: number[] = [];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    for (const [index, rule] of rules.entries()) this.#add(rule, index);
  }

  #add(rule: Rule, index: number): void {
    if (rule.host !== undefined) this.#byHost.add(rule.host, index);
    else if (rule.alias !== undefined) this.#byAlias.add(rule.alias, index);
    else if (rule.user !== undefined) this.#byUser.add(rule.user, index);
    else this.#others.push(index);
  }

  find(subject: RouteSubject): number | undefined {
    const lists = this.#byHost.candidates(subject.host);
    if (subject.alias !== undefined) lists.push(...this.#byAlias.candidates(subject.alias));
    if (subject.user !== undefined) lists.push(...this.#byUser.candidates(subject.user));
    lists.push(this.#others);
    return firstInOrder(lists, (index) => {
      const rule = this.#rules[index];
      return rule !== undefined && firstMismatch(rule, subject) === undefined;
    });
  }
}

/** The smallest number of several ascending lists that passes; each is asked once, smaller ones first. */
function firstInOrder(lists: readonly (readonly number[])[], passes: (index: number) => boolean): number | undefined {
  const positions = lists.map(() => 0);
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    for (const [i, list] of lists.entries()) next = Math.min(next, list[positions[i] ?? 0] ?? Number.POSITIVE_INFINITY);
    if (next === Number.POSITIVE_INFINITY) return undefined;
    if (passes(next)) return next;
    for (const [i, list] of lists.entries())
      if (list[positions[i] ?? 0] === next) positions[i] = (positions[i] ?? 0) + 1;
  }
}
