import type { Config } from '../config/load.js';
import { FdpassError } from '../ground/errors.js';
import { formatWhere, type Where } from '../ground/where.js';
import type { Rule } from '../rules/rule.js';
import { covers, matchesAll } from '../rules/shadow.js';

/*
 * What is right as far as fdpass can tell, and probably not meant.
 */

/** Rules that never match, and patterns that match nothing. */
export async function ruleWarnings(rules: readonly Rule[]): Promise<FdpassError[]> {
  const all = rules.findIndex(matchesAll);
  const reached = all === -1 ? rules : rules.slice(0, all + 1);
  const patterns = await Promise.all(rules.map(usersInHosts));
  return [...reached.flatMap(shadowed), ...afterAll(rules, all), ...patterns.flat()];
}

function shadowed(rule: Rule, index: number, rules: readonly Rule[]): FdpassError[] {
  const earlier = rules.findIndex((other, place) => place < index && covers(other, rule));
  if (earlier === -1) return [];
  const where = rules[earlier]?.where();
  const before = `rule ${earlier + 1}${where === undefined ? '' : ` (${formatWhere(where)})`}`;
  return [
    warning(rule.where(), `this rule never matches: ${before} matches all that it could`, 'move it up, or delete it'),
  ];
}

function afterAll(rules: readonly Rule[], all: number): FdpassError[] {
  const rule = rules[all];
  const after = rules.length - all - 1;
  if (rule === undefined || after === 0) return [];
  const behind = after === 1 ? 'the rule after it never matches' : `the ${after} rules after it never match`;
  return [warning(rule.where(), `this rule matches every host, so ${behind}`, 'move it to the end')];
}

async function usersInHosts({ host = [], where, locate }: Rule): Promise<FdpassError[]> {
  const warnings: FdpassError[] = [];
  for (const [index, { source, where: line }] of host.entries()) {
    if (!source.includes('@')) continue;
    const place = line ?? (await locate?.(['host', index])) ?? where();
    warnings.push(warning(place, 'a host pattern with "@" matches no host', 'write the user under "user"'));
  }
  return warnings;
}

/** Hops of the config's own file that no rule uses. What it extends is shared, and can have more than it needs. */
export function unusedHops({ file, hops }: Config, used: ReadonlySet<string>): FdpassError[] {
  const unused = [...hops].filter(([name, { where }]) => !used.has(name) && where().file === file);
  return unused.map(([, { where }]) =>
    warning(where(), 'no rule uses this hop', 'delete it, unless you name it with --via'),
  );
}

function warning(where: Where, message: string, hint: string): FdpassError {
  return new FdpassError('config', message, { where, hint });
}
