import type { SocketOptions } from '../connection/socket-options.js';
import type { Where } from '../ground/where.js';
import type { Rule } from '../rules/rule.js';
import type { LoadedFile } from './extends.js';
import type { Source, ValuePath } from './source.js';

/** A reusable hop as it was written. */
export interface ConfigHop {
  readonly spec: unknown;
  /** The folder that relative paths in it start from. */
  readonly baseDir: string;
  readonly where: () => Where;
}

/** A plugin to load. */
export interface ConfigPlugin {
  readonly specifier: string;
  /** The config file that names it: it resolves from there. */
  readonly from: string;
  readonly where: () => Where;
}

/** A config with everything it extends. */
export interface Config {
  /** The file that was found or named. */
  readonly file: string;
  /** That file and all it extends, in the order in which they count. */
  readonly sources: readonly string[];
  /** What holds where a rule or a hop says nothing else. */
  readonly defaults: {
    /** For a whole dial; 0 means no limit. Default 30,000. */
    readonly timeoutMs: number;
    /** `keepAlive` is true unless the config says otherwise. */
    readonly socket: SocketOptions;
  };
  /** The named hops. */
  readonly hops: ReadonlyMap<string, ConfigHop>;
  /** In the order in which they are tried: own ones before those of `extends`. */
  readonly rules: readonly Rule[];
  /** What `plugins` names, each with the file that names it. */
  readonly plugins: readonly ConfigPlugin[];
  /** Where a value of the merged config is, e.g. `locate('rules', 3, 'host')`; for one that is absent, the nearest thing around it. */
  locate(...path: ValuePath): Where;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Puts files together: rules follow each other, hops and defaults of an earlier file win key by key, plugins add up. */
export function mergeFiles(main: Source, files: readonly LoadedFile[]): Config {
  const { timeout, ...socket } = Object.assign({}, ...files.toReversed().map(({ content }) => content.defaults));
  const places = files.flatMap(({ source, content }) => content.rules.map((_, index) => ({ source, index })));
  return {
    file: main.file,
    sources: files.map(({ source }) => source.file),
    defaults: { timeoutMs: timeout ?? DEFAULT_TIMEOUT_MS, socket: { keepAlive: true, ...socket } },
    hops: new Map(files.toReversed().flatMap(hopsOf)),
    rules: files.flatMap(rulesOf),
    plugins: pluginsOf(files),
    locate: (...path) => locateRule(places, path) ?? ownerOf(files, path, main).locate(path),
  };
}

function rulesOf({ source, content }: LoadedFile): Rule[] {
  return content.rules.map(({ timeout, ...rule }, index) => ({
    ...rule,
    timeoutMs: timeout,
    baseDir: source.baseDir,
    where: () => source.locate(['rules', index]),
  }));
}

function hopsOf({ source, content }: LoadedFile): (readonly [string, ConfigHop])[] {
  return Object.entries(content.hops).map(([name, spec]) => {
    return [name, { spec, baseDir: source.baseDir, where: () => source.locate(['hops', name], 'key') }];
  });
}

/** The same specifier in two files may be two plugins, since each resolves from its own file. */
function pluginsOf(files: readonly LoadedFile[]): ConfigPlugin[] {
  return files.flatMap(({ source, content }) =>
    [...new Set(content.plugins)].map((specifier) => {
      const index = content.plugins.indexOf(specifier);
      return { specifier, from: source.file, where: () => source.locate(['plugins', index]) };
    }),
  );
}

/** Rules are counted through all files. */
function locateRule(
  places: readonly { readonly source: Source; readonly index: number }[],
  path: ValuePath,
): Where | undefined {
  const [section, number, ...rest] = path;
  const place = section === 'rules' ? places[Number(number)] : undefined;
  return place?.source.locate(['rules', place.index, ...rest]);
}

/** The first file that has the value decides. */
function ownerOf(files: readonly LoadedFile[], [section, key]: ValuePath, main: Source): Source {
  const owner = files.find(({ source }) => {
    const value = memberOf(source.data, section);
    return value !== undefined && (key === undefined || memberOf(value, key) !== undefined);
  });
  return owner?.source ?? main;
}

function memberOf(value: unknown, key: string | number | undefined): unknown {
  if (typeof value !== 'object' || value === null || key === undefined || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}
