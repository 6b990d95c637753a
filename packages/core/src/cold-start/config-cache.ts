import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LoadedFile } from '../config/extends.js';
import type { Config, LoadedRules, ReadRules } from '../config/load.js';
import { type ConfigCache, isFileSpecifier } from '../config/places.js';
import type { SocketOptions } from '../connection/socket-options.js';
import { type FileStatus, identityOf, whyDistrusted } from '../ground/files.js';
import { redactOptions } from '../ground/text.js';
import type { Where } from '../ground/where.js';
import { parseMatchers, type WrittenMatchers } from '../rules/rule.js';
import { compileRules } from '../rules/rule-table.js';

/*
 * A config is cached between runs of the command, as it is after reading: parsing and checking YAML is most of a start, and
 * the files seldom change. Every run checks that the files are still the same, and that nobody else could have written
 * them. The cache is as private as ssh keeps its keys.
 */

/** A file as it was when the config was read. */
interface Stamp {
  readonly path: string;
  /** Device, inode, size, and both times in nanoseconds. */
  readonly identity: string;
}

/** A rule as it was written, its single values as lists, and where. */
export interface CachedRule extends WrittenMatchers {
  readonly use: unknown;
  readonly name?: string | undefined;
  readonly baseDir: string;
  readonly timeoutMs?: number | undefined;
  readonly place: Where;
}

/** A config as data: what a {@link Config} has, places instead of functions that find them. */
export interface CachedConfig {
  readonly file: string;
  readonly sources: readonly string[];
  readonly defaults: { readonly timeoutMs: number; readonly socket: SocketOptions };
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
  readonly version: string;
  readonly stamps: readonly Stamp[];
  readonly config: CachedConfig;
}

const FORMAT = 1;
const PREFIX = 'config-';
const MAX_CACHED = 32;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;
/** A file that was written this recently can be written again without a change of its times. */
const TOO_NEW_MS = 2000;

/**
 * The config that was cached for `file`, if every file it was made of is still the same; undefined otherwise.
 *
 * @throws FdpassError `config` if one of them can no longer be trusted, as reading it would.
 */
export function readCached(file: string, cache: ConfigCache): LoadedRules | undefined {
  const entry = readEntry(file, cache);
  const found = entry?.stamps.map(({ path, identity }) => ({ path, identity, status: statusOf(path) }));
  if (entry === undefined || !found?.every(({ identity, status }) => status?.identity === identity)) return undefined;
  for (const { path, status } of found) {
    const distrust = status && whyDistrusted(path, status, process.getuid?.());
    if (distrust !== undefined) throw distrust;
  }
  const config = toConfig(entry.config);
  return { config, table: compileRules(config.rules) };
}

/** Caches a config for the next run. What cannot be cached only costs time. */
export function cacheRules(read: ReadRules, cache: ConfigCache): void {
  const config = existsSync(read.config.file) ? cacheable(read) : undefined;
  if (config === undefined) return;
  try {
    mkdirSync(cache.folder, { recursive: true, mode: 0o700 });
    if (!isPrivate(cache.folder)) return;
    const newest = Math.max(...config.sources.map((path) => statSync(path).ctimeMs));
    if (Date.now() - newest < TOO_NEW_MS) return;
    const stamps = config.sources.map((path): Stamp => ({ path, identity: statusOf(path)?.identity ?? 'missing' }));
    const place = placeOf(config.file, cache);
    const fresh = `${place}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify({ version: versionOf(cache), stamps, config } satisfies Entry), {
      mode: 0o600,
    });
    try {
      renameSync(fresh, place);
    } finally {
      rmSync(fresh, { force: true });
    }
    prune(cache.folder);
  } catch {
    // without the cache the next run reads the config again
  }
}

/** Removes the oldest entries, most of which belong to configs that no longer exist. */
function prune(folder: string): void {
  const cached = readdirSync(folder).filter((name) => name.startsWith(PREFIX));
  if (cached.length <= MAX_CACHED) return;
  const aged = cached.map((name) => ({ name, ms: lstatSync(join(folder, name)).mtimeMs })).sort((a, b) => b.ms - a.ms);
  for (const { name } of aged.slice(MAX_CACHED)) rmSync(join(folder, name), { force: true });
}

function readEntry(file: string, cache: ConfigCache): Entry | undefined {
  try {
    const place = placeOf(file, cache);
    const status = lstatSync(place);
    const isOurs = status.isFile() && status.uid === process.geteuid?.() && (status.mode & OTHERS_MAY_ANYTHING) === 0;
    if (!isOurs || !isPrivate(cache.folder)) return undefined;
    const entry = JSON.parse(readFileSync(place, 'utf8')) as Entry;
    return entry.version === versionOf(cache) && entry.config.file === file ? entry : undefined;
  } catch {
    return undefined; // there is none, or it is damaged
  }
}

function isPrivate(folder: string): boolean {
  const status = lstatSync(folder);
  return status.isDirectory() && status.uid === process.geteuid?.() && (status.mode & OTHERS_MAY_WRITE) === 0;
}

function placeOf(file: string, { folder }: ConfigCache): string {
  return join(folder, `${PREFIX}${Buffer.from(file).toString('base64url').slice(-200)}.json`);
}

function versionOf({ version }: ConfigCache): string {
  return `${FORMAT} ${version}`;
}

/** Which file is at `path`, in which state, and who can have written it; undefined if it cannot be looked at. */
function statusOf(path: string): (FileStatus & { readonly identity: string }) | undefined {
  try {
    const status = statSync(path, { bigint: true });
    return { identity: identityOf(status), uid: Number(status.uid), mode: Number(status.mode) };
  } catch {
    return undefined;
  }
}

function toConfig({ hops, rules, plugins, ...rest }: CachedConfig): Config {
  const at = (place: Where) => (): Where => place;
  return {
    ...rest,
    hops: new Map(hops.map(({ name, place, ...hop }) => [name, { ...hop, where: at(place) }])),
    rules: rules.map((rule) => {
      const { use, name, baseDir, timeoutMs, place } = rule;
      return { ...parseMatchers(rule), use, name, baseDir, timeoutMs, where: at(place) };
    }),
    plugins: plugins.map(({ place, ...plugin }) => ({ ...plugin, where: at(place) })),
  };
}

/**
 * A config as data for the cache; undefined for one that cannot be cached: with a secret in it (they stay where they
 * were written), or made of packages, which can be replaced by others without a change in the files that name them.
 */
function cacheable({ config, files }: ReadRules): CachedConfig | undefined {
  const isOfFiles = files.every(({ content }) => content.extends.every(isFileSpecifier));
  if (!isOfFiles) return undefined;
  const cached: CachedConfig = {
    file: config.file,
    sources: config.sources,
    defaults: config.defaults,
    hops: [...config.hops].map(([name, { spec, baseDir, where }]) => ({ name, spec, baseDir, place: where() })),
    rules: files.flatMap(writtenRules).map((written, index) => cachedRule(written, config, index)),
    plugins: config.plugins.map(({ specifier, from, where }) => ({ specifier, from, place: where() })),
  };
  return isPlain(cached) && JSON.stringify(redactOptions(cached)) === JSON.stringify(cached) ? cached : undefined;
}

/** Whether JSON can represent it: YAML has `.inf` and `.nan`, which JSON has not. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
}

/** The rules of a file before they were converted. */
function writtenRules({ source }: LoadedFile): Record<string, unknown>[] {
  const { rules } = Object(source.data) as { rules?: unknown };
  return [rules ?? []].flat() as Record<string, unknown>[];
}

function cachedRule(
  { host, port, user, alias, localNetwork }: Record<string, unknown>,
  config: Config,
  index: number,
): CachedRule {
  const rule = config.rules[index];
  if (rule === undefined) throw new Error('a rule that was not merged');
  const lists = { host, port, user, alias, localNetwork };
  const written = Object.entries(lists).flatMap(([key, value]) => (value === undefined ? [] : [[key, [value].flat()]]));
  return {
    ...Object.fromEntries(written),
    use: rule.use,
    name: rule.name,
    baseDir: rule.baseDir,
    timeoutMs: rule.timeoutMs,
    place: rule.where(),
  };
}
