import * as v from 'valibot';
import type { SocketOptions } from '../connection/socket-options.js';
import type { BeforeSettings, DialSettings } from '../dial/settings.js';
import { FdpassError, foldErrors, isFdpassError, type ValuePath, type Where } from '../ground/errors.js';
import { ipFamily } from '../ground/ip.js';
import { normalizeHost } from '../ground/read-target.js';
import { describeType, isMapping, showName, withoutReceived } from '../ground/shown.js';
import { withoutRootDot } from '../ground/target.js';
import { beforeSchema } from '../options/before.js';
import { dialSettingEntries, nameServers } from '../options/dial-settings.js';
import { socketOptionEntries } from '../options/socket.js';
import { duration, named } from '../options/values.js';
import { tlsDefaultsSchema } from '../proxy/schema.js';
import type { TlsDefaults } from '../proxy/tls.js';
import type { Conditions } from '../rules/condition.js';
import type { Pattern, PatternList } from '../rules/pattern.js';
import {
  parseAliasPattern,
  parseHostPattern,
  parsePortRange,
  parseUserPattern,
  patternList,
} from '../rules/read-pattern.js';
import type { Matchers } from '../rules/rule.js';
import { conditionEntries, notEntry } from './condition-schema.js';
import { atLeastOne, converted, entry, listOf, mapping, notMapping, text } from './expect.js';
import { configError, type Source } from './source.js';

/** Is told what a check of a whole config finds wrong. */
export type Report = (error: FdpassError) => void;

/** What `read` returns. For a check, which gives a `report`, what is wrong is reported and `otherwise` stands for it. */
export function orReport<T>(report: Report | undefined, otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (report === undefined || !isFdpassError(error)) throw error;
    report(error);
    return otherwise;
  }
}

/** A file of patterns, as a rule names it. */
export interface PatternFile {
  readonly file: string;
}

/** A rule as it was written, checked and converted. */
export interface WrittenRule extends Omit<Matchers, 'host'>, Conditions, DialSettings {
  /** Files are read once it is known where they are. */
  readonly host?: readonly (Pattern | PatternFile)[] | undefined;
  readonly use: unknown;
  readonly name?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly before?: BeforeSettings | undefined;
}

/** `auto`: a command that finds no agent starts one. */
export type AgentUse = 'auto' | 'manual';

/** How short names become whole ones. */
export interface Canonical {
  /** In the order in which they are tried. */
  readonly domains: readonly string[];
  /** A name with more dots is whole. */
  readonly maxDots: number;
  /** The name servers that know, as `dns.setServers` takes them. Default: those of the system. */
  readonly dns?: readonly string[] | undefined;
}

/** The content of one config file, checked and converted. Single values have become lists. */
export interface FileContent {
  readonly $schema?: string | undefined;
  readonly defaults: SocketOptions & {
    /** Milliseconds. */
    readonly timeout?: number | undefined;
    readonly tls?: TlsDefaults | undefined;
  };
  readonly agent?: AgentUse | undefined;
  readonly canonical?: Canonical | undefined;
  readonly hops: Readonly<Record<string, unknown>>;
  readonly rules: readonly WrittenRule[];
  readonly plugins: readonly string[];
  readonly extends: readonly string[];
}

const patterns = (parse: (source: string) => Pattern): v.GenericSchema<unknown, PatternList> =>
  v.pipe(converted(listOf(converted(text, parse)), patternList), v.metadata({ atLeastOne: true }));

const patternFile: v.GenericSchema<unknown, PatternFile> = mapping('a file of patterns', { file: text });
const hostPattern: v.GenericSchema<unknown, Pattern> = converted(text, parseHostPattern);

const hosts: v.GenericSchema<unknown, readonly (Pattern | PatternFile)[]> = v.pipe(
  converted(
    listOf(
      v.pipe(
        v.lazy(
          (input): v.GenericSchema<unknown, Pattern | PatternFile> => (isMapping(input) ? patternFile : hostPattern),
        ),
        v.metadata({
          jsonSchema: {
            anyOf: [
              { type: 'string', minLength: 1 },
              {
                type: 'object',
                properties: { file: { type: 'string', minLength: 1 } },
                required: ['file'],
                additionalProperties: false,
              },
            ],
          },
        }),
      ),
    ),
    (list) => (list.some((item) => 'file' in item) ? list : patternList(list as Pattern[])),
  ),
  v.metadata({ atLeastOne: true }),
);

const textOrNumber = v.union([v.string(), v.number()], (issue) => `expected a port, not ${describeType(issue.input)}`);

/** A route or a hop. Routing resolves it; here it only has to be something that can be one. */
const route = v.pipe(
  v.custom<unknown>(
    (value) => (typeof value === 'string' && value !== '') || Array.isArray(value) || isMapping(value),
    (issue) => `expected a hop name, a strategy, a URL, a mapping or a list of these, not ${describeType(issue.input)}`,
  ),
  v.metadata({ jsonSchema: { $ref: '#/definitions/route' } }),
);

/** A section whose lines are all commented out is null in YAML: the same as no section. */
function section<T>(
  description: string,
  schema: v.GenericSchema<unknown, T>,
  absent: NoInfer<T>,
): v.GenericSchema<unknown, T> {
  return v.nullish(v.pipe(schema, v.description(description)) as v.GenericSchema<unknown, T>, () => absent) as never;
}

const rule: v.GenericSchema<unknown, WrittenRule> = mapping('a rule', {
  name: entry('a name for errors and explanations', text),
  host: entry(
    'host patterns of ssh_config, .example.com, addresses, CIDR; ! excludes; { file: PATH } for a file with one per line',
    hosts,
  ),
  port: entry('ports and ranges, e.g. 22 or "2200-2299"', atLeastOne(listOf(converted(textOrNumber, parsePortRange)))),
  user: entry('patterns for the remote user (--user %r)', patterns(parseUserPattern)),
  alias: entry('patterns for the name that was typed (--alias %n)', patterns(parseAliasPattern)),
  ...conditionEntries,
  not: notEntry,
  use: v.pipe(route, v.description('the route: a hop, or a list of them in travel order')),
  timeout: entry('the limit for the whole dial, e.g. 30s; 0 for none', duration),
  before: entry(
    'a command to run before each dial (not before each try of "retry"), or a mapping with command, timeout, terminal',
    beforeSchema,
  ),
  ...dialSettingEntries,
});

const MAX_DOTS = 'expected a whole number from 0 to 100';

const domain: v.GenericSchema<unknown, string> = converted(text, (written) => {
  const name = normalizeHost(written.replace(/^\./, ''), ['host']);
  if (ipFamily(name) === 0) return withoutRootDot(name);
  throw new FdpassError('config', 'this is an address, not a domain', { hint: 'write it as corp.example' });
});

const domains: v.GenericSchema<unknown, string[]> = v.pipe(
  listOf(domain),
  v.nonEmpty('an empty list completes no name; leave it out'),
  v.metadata({ atLeastOne: true }),
);

/** A name with at most one dot can be short, as ssh's CanonicalizeMaxDots has it. */
const DEFAULT_MAX_DOTS = 1;

const canonicalMapping: v.GenericSchema<unknown, Canonical> = v.pipe(
  mapping('"canonical"', {
    domains,
    dns: v.optional(nameServers),
    maxDots: v.optional(
      v.pipe(v.number(MAX_DOTS), v.integer(MAX_DOTS), v.minValue(0, MAX_DOTS), v.maxValue(100, MAX_DOTS)),
    ),
  }),
  v.transform(({ domains: list, dns, maxDots = DEFAULT_MAX_DOTS }) => ({ domains: list, maxDots, dns })),
);

const plainCanonical: v.GenericSchema<unknown, Canonical> = v.pipe(
  domains,
  v.transform((list) => ({ domains: list, maxDots: DEFAULT_MAX_DOTS })),
);

const canonical: v.GenericSchema<unknown, Canonical> = v.pipe(
  v.lazy((input) => (isMapping(input) ? canonicalMapping : plainCanonical)),
  v.metadata({ byType: [domains, canonicalMapping] }),
);

const namedRoutes: v.GenericSchema<unknown, Record<string, unknown>> = named('a hop', route, notMapping('hops'));

/** The content of one config file; the source of its JSON Schema too. */
export const configSchema: v.GenericSchema<unknown, FileContent> = mapping('the config', {
  $schema: entry('for editors: where the JSON Schema is', text),
  defaults: section(
    'for every dial: timeout, TLS and socket options',
    mapping('defaults', {
      timeout: entry('the limit for a dial, e.g. 30s; 0 for none', duration),
      tls: entry('for all hops that are reached over TLS', tlsDefaultsSchema),
      ...socketOptionEntries,
    }),
    {},
  ),
  agent: entry(
    'auto: a command that finds no agent starts one; manual (the default): only "fdpass agent start" does',
    v.picklist(['auto', 'manual'], (issue) => `expected auto or manual, not ${describeType(issue.input)}`),
  ),
  canonical: entry(
    "domains that complete short names, as ssh's CanonicalDomains does; { domains, dns, maxDots } says more",
    canonical,
  ),
  hops: section('named, reusable hops', namedRoutes, {}),
  rules: section('the first match wins', listOf(rule), []),
  plugins: section('packages and files with strategies, resolved from the folder of this file', listOf(text), []),
  extends: section('packages and files with shared rules, hops and defaults', listOf(text), []),
});

/**
 * Checks and converts the data of one file.
 *
 * @param report For a check: is told all that is wrong, and the result is what else can be checked, {@link routesIn} it.
 * @throws FdpassError `config` that points at the first thing wrong; if there are more, the cause is an AggregateError of all.
 */
export function checkContent(source: Source, report?: Report): FileContent {
  const result = v.safeParse(configSchema, source.data);
  if (result.success) return result.output;
  const errors = result.issues
    .map((issue) => problemAt(source, issue))
    .sort(byPlace)
    .map(faultOf);
  if (report === undefined) throw foldErrors(errors);
  errors.forEach(report);
  return routesIn(source.data);
}

/** The routes of a file that is refused, unchecked: the rules have nothing but these. */
function routesIn(data: unknown): FileContent {
  const { rules, hops, plugins, ...rest } = isMapping(data) ? data : {};
  const asList = (value: unknown): unknown[] => [value ?? []].flat();
  const texts = (value: unknown): string[] => asList(value).filter((item) => typeof item === 'string');
  return {
    defaults: {},
    hops: isMapping(hops) ? hops : {},
    rules: asList(rules).map((rule) => ({ use: isMapping(rule) ? rule['use'] : undefined })),
    plugins: texts(plugins),
    extends: texts(rest['extends']),
  };
}

interface Problem {
  readonly where: Where;
  readonly message: string;
}

function problemAt(source: Source, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map(({ key }) => key) as ValuePath;
  const isUnknownKey = issue.type === 'strict_object' && issue.expected === 'never';
  const isQuoted = issue.message.includes(JSON.stringify(path.at(-1)));
  const part = isUnknownKey ? (isQuoted ? 'key' : 'unknown-key') : 'value';
  const where = source.locate(path, part);
  const name = path.findLast((key) => typeof key === 'string');
  const isAboutKey = issue.type === 'strict_object' || name === undefined || path.at(-2) === undefined;
  return {
    where,
    message: isAboutKey ? withoutReceived(issue.message) : `${showName(name)}: ${withoutReceived(issue.message)}`,
  };
}

function byPlace(a: Problem, b: Problem): number {
  return a.where.line - b.where.line || a.where.column - b.where.column;
}

function faultOf({ where, message }: Problem): FdpassError {
  return configError(where, message);
}
