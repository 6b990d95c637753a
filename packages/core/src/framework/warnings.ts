import type { Config } from '../config/load.js';
import { FdpassError, formatWhere, isFdpassError, type ValuePath, type Where } from '../ground/errors.js';
import { expandPath, readOptionFile } from '../ground/files.js';
import { isMapping } from '../ground/shown.js';
import type { Hop } from '../routing/hop.js';
import { formsOf, type JsonSchema, schemaOfKey } from '../routing/show-hops.js';
import type { Rule } from '../rules/rule.js';
import { covers, matchesAll } from '../rules/shadow.js';
import type { StrategyRegistry } from '../strategy/registry.js';

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

/** An option that is a path. */
interface PathOption {
  readonly path: ValuePath;
  readonly written: string;
  readonly isSecret: boolean;
}

/**
 * Paths in the options of a hop that are written as a shell would expand them, and secret files that a dial could not use. The
 * JSON Schema of the options says which of them are paths.
 */
export async function pathWarnings({ entry, options, place }: Hop, registry: StrategyRegistry): Promise<FdpassError[]> {
  const { optionsJsonSchema } = await import('../json-schema/json-schema.js');
  const warnings: FdpassError[] = [];
  for (const option of pathsIn(options, await optionsJsonSchema(entry, registry), [])) {
    const where = await place.locate?.(option.path);
    warnings.push(...(isForShell(option.written) ? [unexpanded(where)] : unusable(option, place.baseDir, where)));
  }
  return warnings;
}

function pathsIn(value: unknown, schema: JsonSchema | undefined, path: ValuePath): PathOption[] {
  const formats = formsOf(schema ?? {}).map(({ format }) => format);
  if (Array.isArray(value) && formats.includes('command')) {
    return typeof value[0] === 'string' ? [{ path: [...path, 0], written: value[0], isSecret: false }] : [];
  }
  if (typeof value === 'string') {
    const isSecret = formats.includes('secret-path');
    return isSecret || formats.includes('path') ? [{ path, written: value, isSecret }] : [];
  }
  if (!Array.isArray(value) && !isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    return pathsIn(item, schemaOfKey(schema, key), [...path, Array.isArray(value) ? Number(key) : key]);
  });
}

/** Whether a shell would put something else in place of a part of it. */
function isForShell(written: string): boolean {
  return /^~[^/]|\$(?:\w|\{)/.test(written);
}

function unexpanded(where: Where | undefined): FdpassError {
  return new FdpassError('config', 'this path is taken as it is written: $NAME and ~user are not expanded', {
    where,
    hint: 'begin it with ~/ or /',
  });
}

function unusable({ path, written, isSecret }: PathOption, baseDir: string, where: Where | undefined): FdpassError[] {
  if (!isSecret) return [];
  try {
    const text = readOptionFile(String(path.at(-1)), written, expandPath(written, baseDir), { secret: true });
    const isEmpty = text.split('\n', 1)[0]?.trim() === '';
    return isEmpty ? [new FdpassError('config', 'the first line of this file is empty', { where })] : [];
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return [new FdpassError('config', error.summary, { where, hint: error.hint })];
  }
}
