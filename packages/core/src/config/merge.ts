import type { SocketOptions } from '../connection/socket-options.js';
import { writtenSettings } from '../dial/settings.js';
import type { Locate, Where } from '../ground/errors.js';
import type { TlsDefaults } from '../proxy/tls.js';
import type { PatternList } from '../rules/pattern.js';
import type { Rule } from '../rules/rule.js';
import { compileRules, type RuleTable } from '../rules/rule-table.js';
import { type ExtendsOptions, type LoadedFile, loadWithExtends } from './extends.js';
import type { AgentUse, Canonical } from './schema.js';
import { inlineSource, type Source } from './source.js';
import { writtenRules } from './written-rules.js';

/** A reusable hop as it was written. */
export interface ConfigHop {
  readonly spec: unknown;
  /** The folder that relative paths in it start from. */
  readonly baseDir: string;
  readonly where: () => Where;
  /** Where a part of it is written. */
  readonly locate: Locate;
}

/** A plugin to load. */
export interface NamedPlugin {
  /** A file or a package. */
  readonly specifier: string;
  /** The file that names it: it resolves from there. */
  readonly from: string;
  /** Where it is named; undefined if that is not in a config. */
  readonly where: () => Where | undefined;
}

/** A plugin of a config. */
export interface ConfigPlugin extends NamedPlugin {
  readonly where: () => Where;
}

/** A config with everything it extends. */
export interface Config {
  /** The file that was found or named. */
  readonly file: string;
  /** That file and all it extends, in the order in which they count, and the files of patterns that rules name. */
  readonly sources: readonly string[];
  /** Used unless a rule or a hop says otherwise. */
  readonly defaults: {
    /** For a whole dial; 0 means no limit. Default 30,000. */
    readonly timeoutMs: number;
    /** `keepAlive` is true unless the config says otherwise. */
    readonly socket: SocketOptions;
    /** Of hops that are reached over TLS. */
    readonly tls: TlsDefaults;
  };
  /** Whether the command starts an agent when there is none. */
  readonly agent: AgentUse;
  /** Default: names are taken as they are. */
  readonly canonical?: Canonical | undefined;
  /** The named hops. */
  readonly hops: ReadonlyMap<string, ConfigHop>;
  /** In the order in which they are tried: own ones before those of `extends`. */
  readonly rules: readonly Rule[];
  /** The entries of `plugins`, each with the file that names it. */
  readonly plugins: readonly ConfigPlugin[];
}

/** A config and its rules, ready to match. */
export interface LoadedRules {
  /** The config as it was read. */
  readonly config: Config;
  /** Its rules, ready for look-ups. */
  readonly table: RuleTable;
  /** What it was read from just now; undefined for one that was cached, or that does not come from files. */
  readonly files?: readonly LoadedFile[] | undefined;
}

/** The same, just read. */
export interface ReadRules extends LoadedRules {
  readonly files: readonly LoadedFile[];
}

/** The rules of a config and of everything it extends. @throws FdpassError `config` */
export function readAll(main: Source, options: ExtendsOptions): ReadRules {
  const files = loadWithExtends(main, options);
  const config = mergeFiles(main, files);
  return { config, table: compileRules(config.rules), files };
}

/** The rules of a config given in code. `read` is for the files that it extends. @throws FdpassError `config` */
export function readInline(content: unknown, baseDir: string | undefined, options: ExtendsOptions): ReadRules {
  return readAll(inlineSource(content, baseDir), options);
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Puts files together: rules follow each other, hops and defaults of an earlier file win key by key, plugins add up. */
function mergeFiles(main: Source, files: readonly LoadedFile[]): Config {
  const {
    timeout,
    tls = {},
    ...socket
  } = Object.assign({}, ...files.toReversed().map(({ content }) => content.defaults));
  return {
    file: main.file,
    sources: [...new Set([...files.map(({ source }) => source.file), ...files.flatMap(patternPaths)])],
    defaults: { timeoutMs: timeout ?? DEFAULT_TIMEOUT_MS, tls, socket: { keepAlive: true, ...socket } },
    agent: files.find(({ content }) => content.agent !== undefined)?.content.agent ?? 'manual',
    canonical: files.find(({ content }) => content.canonical !== undefined)?.content.canonical,
    hops: new Map(files.toReversed().flatMap(hopsOf)),
    rules: files.flatMap(rulesOf),
    plugins: pluginsOf(files),
  };
}

function rulesOf({ source, content }: LoadedFile): Rule[] {
  const written = writtenRules(source.data);
  return content.rules.map(
    ({ timeout: timeoutMs, dns, resolve: at, expect, expectTimeout, retry, before, ...checked }, index) => {
      const { profile, interface: up, reachable, exec, not, ...rule } = checked;
      const conditions = { profile, interface: up, reachable, exec, not };
      return {
        ...rule,
        host: rule.host as PatternList | undefined, // files have been read
        ...(Object.values(conditions).some((value) => value !== undefined) && { conditions }),
        timeoutMs,
        settings: writtenSettings(written[index] ?? {}),
        baseDir: source.baseDir,
        where: () => source.locate(['rules', index]),
        locate: (path, part) => source.locate(['rules', index, ...path], part),
      };
    },
  );
}

function patternPaths({ patternFiles }: LoadedFile): string[] {
  return patternFiles.map(({ path }) => path);
}

function hopsOf({ source, content }: LoadedFile): (readonly [string, ConfigHop])[] {
  return Object.entries(content.hops).map(([name, spec]) => {
    const where = (): Where => source.locate(['hops', name], 'key');
    const locate: Locate = (path, part) => source.locate(['hops', name, ...path], part);
    return [name, { spec, baseDir: source.baseDir, where, locate }];
  });
}

/** The same specifier in two files can be two plugins, since each resolves from its own file. */
function pluginsOf(files: readonly LoadedFile[]): ConfigPlugin[] {
  return files.flatMap(({ source, content }) =>
    [...new Set(content.plugins)].map((specifier) => {
      const index = content.plugins.indexOf(specifier);
      return { specifier, from: source.file, where: () => source.locate(['plugins', index]) };
    }),
  );
}
