import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/merge.js';
import type { SocketOptions } from '../connection/socket-options.js';
import { type FileStatus, whyDistrusted } from '../ground/files.js';
import type { Where } from '../ground/where.js';
import { parseMatchers, type WrittenMatchers } from '../rules/rule.js';

/*
 * What comes of reading a config is kept between runs of the command: parsing YAML and checking it is most of a start,
 * and the files seldom change. The files themselves are looked at every time: that they are the same, and that nobody
 * else could have written them. The cache is as private as ssh keeps its keys.
 */

/** Where kept configs are. */
export interface ConfigCache {
  /** A folder of the user's own; one that is not is not used. */
  readonly folder: string;
  /** Of the program: what another version has kept is not used. */
  readonly version: string;
}

/** A file as it was when the config was read. */
interface Stamp {
  readonly path: string;
  /** Device, inode, size, and both times in nanoseconds. */
  readonly identity: string;
}

/** A rule as it was written, its single values as lists, and where. */
export interface KeptRule extends WrittenMatchers {
  readonly use: unknown;
  readonly name?: string | undefined;
  readonly baseDir: string;
  readonly timeoutMs?: number | undefined;
  readonly place: Where;
}

/** A config as data: what a {@link Config} has, places instead of functions that find them. */
export interface KeptConfig {
  readonly file: string;
  readonly sources: readonly string[];
  readonly defaults: { readonly timeoutMs: number; readonly socket: SocketOptions };
  readonly hops: readonly {
    readonly name: string;
    readonly spec: unknown;
    readonly baseDir: string;
    readonly place: Where;
  }[];
  readonly rules: readonly KeptRule[];
  readonly plugins: readonly { readonly specifier: string; readonly from: string; readonly place: Where }[];
}

interface Entry {
  readonly version: string;
  readonly stamps: readonly Stamp[];
  readonly config: KeptConfig;
}

const FORMAT = 1;
const PREFIX = 'config-';
const MAX_KEPT = 32;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;
/** A file that was written this recently may be written again without its times changing. */
const TOO_NEW_MS = 2000;

/**
 * The config that was kept for `file`, if every file it was made of is still the same; undefined otherwise.
 *
 * @throws FdpassError `config` if one of them can no longer be trusted, as reading it would.
 */
export function readKept(file: string, cache: ConfigCache): Config | undefined {
  const entry = readEntry(file, cache);
  const found = entry?.stamps.map(({ path, identity }) => ({ path, identity, status: statusOf(path) }));
  if (entry === undefined || !found?.every(({ identity, status }) => status?.identity === identity)) return undefined;
  for (const { path, status } of found) {
    const distrust = status && whyDistrusted(path, status, process.getuid?.());
    if (distrust !== undefined) throw distrust;
  }
  return revive(entry.config);
}

/** Keeps a config for the next run. What cannot be kept only costs time. */
export function keep(config: KeptConfig, cache: ConfigCache): void {
  try {
    mkdirSync(cache.folder, { recursive: true, mode: 0o700 });
    if (!isPrivate(cache.folder)) return;
    const newest = Math.max(...config.sources.map((path) => statSync(path).ctimeMs));
    if (Date.now() - newest < TOO_NEW_MS) return;
    const stamps = config.sources.map((path): Stamp => ({ path, identity: statusOf(path)?.identity ?? 'gone' }));
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
    // as above
  }
}

/** Configs come and go, and nobody would miss what is kept of those that are gone. */
function prune(folder: string): void {
  const kept = readdirSync(folder).filter((name) => name.startsWith(PREFIX));
  if (kept.length <= MAX_KEPT) return;
  const aged = kept.map((name) => ({ name, ms: lstatSync(join(folder, name)).mtimeMs })).sort((a, b) => b.ms - a.ms);
  for (const { name } of aged.slice(MAX_KEPT)) rmSync(join(folder, name), { force: true });
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

/** Which file stands at `path` in which state, and who may have written it; undefined if none can be looked at. */
function statusOf(path: string): (FileStatus & { readonly identity: string }) | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, uid, mode } = statSync(path, { bigint: true });
    return { identity: [dev, ino, size, mtimeNs, ctimeNs].join(' '), uid: Number(uid), mode: Number(mode) };
  } catch {
    return undefined;
  }
}

function revive({ hops, rules, plugins, ...rest }: KeptConfig): Config {
  const at = (place: Where) => (): Where => place;
  return {
    ...rest,
    hops: new Map(hops.map(({ name, place, ...hop }) => [name, { ...hop, where: at(place) }])),
    rules: rules.map((rule) => {
      const { use, name, baseDir, timeoutMs, place } = rule;
      return { ...parseMatchers(rule), use, name, baseDir, timeoutMs, where: at(place) };
    }),
    plugins: plugins.map(({ place, ...plugin }) => ({ ...plugin, where: at(place) })),
    locate: () => ({ file: rest.file, line: 1, column: 1 }),
  };
}
