import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedFile } from '../config/extends.js';
import type { Config, LoadedRules, ReadRules } from '../config/load.js';
import { type ConfigCache, isFileSpecifier } from '../config/places.js';
import type { AgentUse, Canonical } from '../config/schema.js';
import { writtenRules } from '../config/written-rules.js';
import type { Locate, ValuePath, Where } from '../ground/errors.js';
import { type FileInspection, inspectFile } from '../ground/files.js';
import { checksumOf, isPrivateFolder, makePrivateFolder, readOwnFile, replaceFile } from '../ground/own-files.js';
import type { ConditionSet, Conditions } from '../rules/condition.js';
import { parseLocalNetwork } from '../rules/read-pattern.js';
import { parseMatchers, type Rule, type WrittenMatchers } from '../rules/rule.js';
import { compileRules } from '../rules/rule-table.js';

/*
 * A config is cached between runs of the command, as it is after reading: parsing and checking YAML is most of a start, and
 * the files seldom change. Every run checks that the files are still the same, and that nobody else could have written
 * them. The cache is as private as ssh keeps its keys.
 */

/** A file as it was when the config was read. */
interface Stamp {
  readonly path: string;
  readonly identity: string;
}

/** A rule as it was written, its single values as lists, and where. */
export interface CachedRule extends WrittenMatchers {
  readonly use: unknown;
  readonly name?: string | undefined;
  readonly baseDir: string;
  readonly timeoutMs?: number | undefined;
  readonly settings?: Rule['settings'];
  readonly conditions?: CachedConditions | undefined;
  readonly place: Where;
  /** Its number in its file, from 0. */
  readonly index: number;
}

/** Conditions as they are, but with networks as they were written. */
type CachedConditions = Omit<Conditions, 'not'> & {
  readonly not?:
    | (Omit<ConditionSet, 'localNetwork'> & { readonly localNetwork?: readonly string[] | undefined })
    | undefined;
};

/** A config as data: what a {@link Config} has, places instead of functions that find them. */
export interface CachedConfig {
  readonly file: string;
  readonly sources: readonly string[];
  readonly defaults: Config['defaults'];
  readonly agent: AgentUse;
  readonly canonical?: Canonical | undefined;
  readonly hops: readonly {
    readonly name: string;
    readonly spec: unknown;
    readonly baseDir: string;
    readonly place: Where;
  }[];
  readonly rules: readonly CachedRule[];
  readonly plugins: readonly { readonly specifier: string; readonly from: string; readonly place: Where }[];
}

interface Entry {
  /** What the result of reading depends on, besides the files. */
  readonly key: string;
  readonly stamps: readonly Stamp[];
  readonly config: CachedConfig;
}

const FORMAT = 5;
const PREFIX = 'config-';
const SUFFIX = '.json';
const MAX_CACHED = 32;
/** A file that was written this recently can be written again without a change of its times. */
const TOO_NEW_MS = 2000;
/** A process that writes an entry is done long before. */
const ABANDONED_MS = 60_000;

/**
 * The config that was cached for `file`, if every file it was made of is still the same; undefined otherwise.
 *
 * @throws FdpassError `config` if one of them can no longer be trusted, as reading it would.
 */
export function readCached(file: string, cache: ConfigCache): LoadedRules | undefined {
  const entry = readEntry(file, cache);
  const found = entry?.stamps.map(({ path }) => inspect(path));
  if (entry === undefined || !entry.stamps.every(({ identity }, index) => found?.[index]?.stamp.identity === identity))
    return undefined;
  for (const inspection of found ?? []) if (inspection?.distrust !== undefined) throw inspection.distrust;
  return compile(entry.config);
}

function inspect(path: string): FileInspection | undefined {
  try {
    return inspectFile(path);
  } catch {
    return undefined; // reading it says what is wrong
  }
}

function compile(cached: CachedConfig): LoadedRules | undefined {
  try {
    const config = toConfig(cached);
    return { config, table: compileRules(config.rules) };
  } catch {
    return undefined; // a build of the same version has written it in another shape
  }
}

/** Caches a config for the next run; the caller has seen that it holds no secret. What cannot be cached only costs time. */
export function cacheRules(read: ReadRules, cache: ConfigCache): void {
  const config = cacheable(read);
  try {
    if (config === undefined || !makePrivateFolder(cache.folder)) return;
    const stamps = stampsOf(read.files);
    if (stamps === undefined) return;
    const entry: Entry = { key: keyOf(config.file, cache), stamps, config };
    const json = JSON.stringify(entry);
    replaceFile(placeOf(config.file, cache), `${checksumOf(json)}\n${json}`);
    prune(cache.folder);
  } catch {
    // without the cache the next run reads the config again
  }
}

/** Undefined if the config is not made of files alone, or if one of them was too new when it was read. */
function stampsOf(files: readonly LoadedFile[]): readonly Stamp[] | undefined {
  const stamps: Stamp[] = [];
  const read = files.flatMap(({ source, patternFiles }) => [
    { path: source.file, stamp: source.stamp },
    ...patternFiles,
  ]);
  for (const { path, stamp } of read) {
    if (stamp === undefined || stamp.ageMs < TOO_NEW_MS) return undefined;
    stamps.push({ path, identity: stamp.identity });
  }
  return stamps;
}

/** Removes the oldest entries, most of which belong to configs that no longer exist, and what killed processes left. */
function prune(folder: string): void {
  const ours = readdirSync(folder).filter((name) => name.startsWith(PREFIX));
  const aged = ours.map((name) => ({ name, ms: lstatSync(join(folder, name)).mtimeMs })).sort((a, b) => b.ms - a.ms);
  const entries = aged.filter(({ name }) => name.endsWith(SUFFIX));
  const abandoned = aged.filter(({ name, ms }) => !name.endsWith(SUFFIX) && ms < Date.now() - ABANDONED_MS);
  for (const { name } of [...entries.slice(MAX_CACHED), ...abandoned]) rmSync(join(folder, name), { force: true });
}

function readEntry(file: string, cache: ConfigCache): Entry | undefined {
  try {
    if (!isPrivateFolder(cache.folder)) return undefined;
    const text = readOwnFile(placeOf(file, cache)).toString();
    const end = text.indexOf('\n');
    const json = text.slice(end + 1);
    if (text.slice(0, end) !== checksumOf(json)) return undefined;
    const entry = JSON.parse(json) as Entry;
    return entry.key === keyOf(file, cache) ? entry : undefined;
  } catch {
    return undefined; // there is none, or it is damaged
  }
}

/** What decides on the result of reading besides the files: this program, and the folder that `~/` means. */
function keyOf(file: string, { version }: ConfigCache): string {
  return JSON.stringify([FORMAT, version, process.env['HOME'] ?? null, file]);
}

function placeOf(file: string, { folder }: ConfigCache): string {
  const name = Buffer.from(`${process.env['HOME'] ?? ''}\n${file}`)
    .toString('base64url')
    .slice(-200);
  return join(folder, `${PREFIX}${name}${SUFFIX}`);
}

function toConfig({ hops, rules, plugins, ...rest }: CachedConfig): Config {
  const at = (place: Where) => (): Where => place;
  return {
    ...rest,
    hops: new Map(
      hops.map(({ name, place, ...hop }) => {
        return [name, { ...hop, where: at(place), locate: locateAgain(place, ['hops', name]) }];
      }),
    ),
    rules: rules.map((rule) => {
      const { use, name, baseDir, timeoutMs, settings, conditions, place, index } = rule;
      const locate = locateAgain(place, ['rules', index]);
      const own = { use, name, baseDir, timeoutMs, settings, where: at(place), locate };
      return { ...parseMatchers(rule), ...own, ...(conditions && { conditions: toConditions(conditions) }) };
    }),
    plugins: plugins.map(({ place, ...plugin }) => ({ ...plugin, where: at(place) })),
  };
}

function toConditions({ not, ...own }: CachedConditions): Conditions {
  return { ...own, ...(not && { not: { ...not, localNetwork: not.localNetwork?.map(parseLocalNetwork) } }) };
}

/** Only an error asks where a part of a rule or a hop is, so the file is then parsed again. */
function locateAgain(place: Where, start: ValuePath): Locate {
  return async (path, part) => {
    try {
      const { readSource } = await import('../config/yaml-source.js');
      return readSource(place.file).locate([...start, ...path], part);
    } catch {
      return place; // it has changed since
    }
  };
}

/**
 * A config as data for the cache; undefined for one that JSON cannot represent, or that is made of packages, which can be
 * replaced by others without a change in the files that name them.
 */
function cacheable({ config, files }: ReadRules): CachedConfig | undefined {
  const isOfFiles = files.every(({ content }) => content.extends.every(isFileSpecifier));
  if (!isOfFiles) return undefined;
  const cached: CachedConfig = {
    file: config.file,
    sources: config.sources,
    defaults: config.defaults,
    agent: config.agent,
    canonical: config.canonical,
    hops: [...config.hops].map(([name, { spec, baseDir, where }]) => ({ name, spec, baseDir, place: where() })),
    rules: files.flatMap(rulesIn).map(({ rule, index }, place) => cachedRule(rule, index, config.rules[place])),
    plugins: config.plugins.map(({ specifier, from, where }) => ({ specifier, from, place: where() })),
  };
  return isPlain(cached) ? cached : undefined;
}

/** Whether JSON can represent it: YAML has `.inf` and `.nan`, which JSON has not. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
}

/** The rules of a file before they were converted, each with its number there. */
function rulesIn({
  source,
}: LoadedFile): { readonly rule: Readonly<Record<string, unknown>>; readonly index: number }[] {
  return writtenRules(source.data).map((rule, index) => ({ rule, index }));
}

function cachedRule(
  { port, user, alias, localNetwork }: Readonly<Record<string, unknown>>,
  index: number,
  rule: Rule | undefined,
): CachedRule {
  if (rule === undefined) throw new Error('a rule that was not merged');
  const host = rule.host?.map(({ source }) => source); // those of files too
  const lists = { host, port, user, alias, localNetwork };
  const written = Object.entries(lists).flatMap(([key, value]) => (value === undefined ? [] : [[key, [value].flat()]]));
  return {
    ...Object.fromEntries(written),
    use: rule.use,
    name: rule.name,
    baseDir: rule.baseDir,
    timeoutMs: rule.timeoutMs,
    settings: rule.settings,
    conditions: rule.conditions && cachedConditions(rule.conditions),
    place: rule.where(),
    index,
  };
}

function cachedConditions({ not, ...own }: Conditions): CachedConditions {
  return { ...own, ...(not && { not: { ...not, localNetwork: not.localNetwork?.map(({ source }) => source) } }) };
}
