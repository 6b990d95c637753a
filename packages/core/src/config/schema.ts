import * as v from 'valibot';
import { duration } from '../duration.js';
import { FdpassError } from '../errors.js';
import { parseLocalNetwork } from '../rules/local-network.js';
import { parseAliasPattern, parseHostPattern, parseUserPattern, patternList } from '../rules/parse-pattern.js';
import type { Pattern, PatternList } from '../rules/pattern.js';
import { parsePortRange } from '../rules/ports.js';
import type { Matchers } from '../rules/rule.js';
import { type SocketOptions, socketOptionEntries } from '../sockets/options.js';
import { converted, inWords, isMapping, listOf, mapping, mappingOf, text } from './expect.js';
import { fault, type Source, type ValuePath } from './source.js';
import { formatWhere, type Where } from './where.js';

/** A rule as it was written, checked and converted. */
export interface WrittenRule extends Matchers {
  readonly use: unknown;
  readonly name?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

/** The content of one config file, checked and converted. Single values have become lists. */
export interface FileContent {
  readonly defaults: SocketOptions & { /** Milliseconds. */ readonly timeout?: number | undefined };
  readonly hops: Readonly<Record<string, unknown>>;
  readonly rules: readonly WrittenRule[];
  readonly plugins: readonly string[];
  readonly extends: readonly string[];
}

const patterns = (parse: (source: string) => Pattern): v.GenericSchema<unknown, PatternList> =>
  converted(listOf(converted(text, parse)), patternList);

const textOrNumber = v.union([v.string(), v.number()], (issue) => `expected a port, not ${inWords(issue.input)}`);

/** A route or a hop. Routing resolves it; here it only has to be something that can be one. */
const route = v.custom<unknown>(
  (value) => (typeof value === 'string' && value !== '') || Array.isArray(value) || isMapping(value),
  (issue) => `expected a hop name, a strategy, a URL, a mapping or a list of these, not ${inWords(issue.input)}`,
);

const rule: v.GenericSchema<unknown, WrittenRule> = mapping('a rule', {
  name: v.optional(text),
  host: v.optional(patterns(parseHostPattern)),
  port: v.optional(atLeastOne(listOf(converted(textOrNumber, parsePortRange)))),
  user: v.optional(patterns(parseUserPattern)),
  alias: v.optional(patterns(parseAliasPattern)),
  localNetwork: v.optional(atLeastOne(listOf(converted(text, parseLocalNetwork)))),
  use: route,
  timeout: v.optional(duration),
});

// A section whose lines are all commented out is null in YAML: the same as no section.
const file: v.GenericSchema<unknown, FileContent> = mapping('the config', {
  defaults: v.nullish(mapping('defaults', { timeout: v.optional(duration), ...socketOptionEntries }), {}),
  hops: v.nullish(v.pipe(mappingOf('hops'), v.record(v.string(), route)), {}),
  rules: v.nullish(listOf(rule), []),
  plugins: v.nullish(listOf(text), []),
  extends: v.nullish(listOf(text), []),
});

function atLeastOne<T>(list: v.GenericSchema<unknown, T[]>): v.GenericSchema<unknown, T[]> {
  return v.pipe(list, v.nonEmpty('an empty list matches nothing; leave it out to match everything'));
}

/**
 * Checks and converts the data of one file.
 *
 * @throws FdpassError `config` that points at the first thing wrong; if there are more, the cause is an AggregateError of all.
 */
export function checkContent(source: Source): FileContent {
  const result = v.safeParse(file, source.data ?? {}); // null: nothing but comments
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => problemAt(source, issue)).sort(byPlace);
  const [first] = problems;
  if (first === undefined) throw new FdpassError('internal', `${source.file}: refused without a reason`);
  if (problems.length === 1) throw faultOf(first);
  const more = `${first.message} (and ${problems.length - 1} more)`;
  throw fault(first.where, more, undefined, new AggregateError(problems.map(faultOf)));
}

interface Problem {
  readonly where: Where;
  readonly message: string;
}

function problemAt(source: Source, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map(({ key }) => key) as ValuePath;
  const isUnknownKey = issue.type === 'strict_object' && issue.expected === 'never';
  const where = source.locate(path, isUnknownKey ? 'key' : 'value');
  const name = path.findLast((key) => typeof key === 'string');
  const isAboutKey = issue.type === 'strict_object' || name === undefined || path.at(-2) === undefined;
  return { where, message: isAboutKey ? issue.message : `${name}: ${issue.message}` };
}

function byPlace(a: Problem, b: Problem): number {
  return a.where.line - b.where.line || a.where.column - b.where.column;
}

function faultOf({ where, message }: Problem): FdpassError {
  return new FdpassError('config', `${formatWhere(where)}: ${message}`);
}
