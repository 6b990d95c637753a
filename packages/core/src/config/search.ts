import { basename } from 'node:path';
import type { CosmiconfigResult, OptionsSync, PublicExplorerSync } from 'cosmiconfig';
import * as explorerSync from 'cosmiconfig/dist/ExplorerSync.js';
import { readFileWithTrust, type TrustedText } from '../ground/files.js';
import { exists, findIn, PACKAGE_FILE } from './places.js';
import type { Source } from './source.js';
import { packageSource, parseSource } from './yaml-source.js';

/*
 * cosmiconfig's public functions must not be called: before they search anything, they look in the current directory
 * for settings of their own and run `.config/config.js` there, regardless of their options. `git fetch` in a stranger's
 * clone would run the stranger's code. All of that is in `dist/index.js` (mergeOptions); the class that searches has no
 * part in it. So the class is imported from its own file, `dist/index.js` is never loaded, and the class gets complete
 * options, as mergeOptions would have made them: no meta config, no loader but ours, no folder but the one it is given.
 * The package is pinned, and `search.spec.ts` has a hostile directory in which both ways are tried.
 */
interface ExplorerOptions extends OptionsSync {
  readonly moduleName: string;
  readonly metaConfigFilePath: null;
}

const { ExplorerSync } = explorerSync as unknown as {
  ExplorerSync: new (options: ExplorerOptions) => PublicExplorerSync;
};

/** Where a search begins, what it looks for, and how far it goes. */
export interface Search {
  /** Absolute. */
  readonly folder: string;
  /** File names; the first that exists in a folder is taken. */
  readonly names: readonly string[];
  /** Looks into the folders above as well, up to the first that has a `package.json`. Default false. */
  readonly up?: boolean | undefined;
}

/**
 * Reads the first config that cosmiconfig finds; undefined if there is none. Each file is opened once.
 *
 * @throws FdpassError `config` if one cannot be read, trusted or parsed: passing over it would mean another route.
 */
export function searchFolder({ folder, names, up = false }: Search): Source | undefined {
  // cosmiconfig passes over a folder that it cannot look into; findIn reports it.
  if (findIn(folder, names) === undefined && !up) return undefined;
  const read = new Map<string, TrustedText>();
  const explorer = makeExplorer(names, up, read);
  return withReader(names, readerInto(read), () => explorer.search(folder))?.config as Source | undefined;
}

function makeExplorer(names: readonly string[], up: boolean, read: Map<string, TrustedText>): PublicExplorerSync {
  // The result is a Source, not a plain mapping, so cosmiconfig finds no `$import` in it and imports nothing.
  const load = (file: string, text: string): Source => {
    checkTrust(file, read);
    return parseSource(file, text, read.get(file)?.stamp);
  };
  const loadJson = (file: string, text: string): Source | { fdpass?: Source | undefined } => {
    if (!file.endsWith(`/${PACKAGE_FILE}`)) return load(file, text);
    const source = packageSource(file, text);
    if (source !== undefined) checkTrust(file, read); // a package.json without our key is not a config
    return { fdpass: source };
  };
  return new ExplorerSync({
    moduleName: 'fdpass',
    searchPlaces: [...names],
    searchStrategy: up ? 'project' : 'none',
    loaders: { '.yaml': load, '.yml': load, '.json': loadJson, noExt: load },
    transform: (result) => (result?.isEmpty ? loadEmpty(result, load) : result),
    ignoreEmptySearchPlaces: false,
    cache: false,
    metaConfigFilePath: null,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
  });
}

/** cosmiconfig calls no loader for an empty file; ours says what is wrong with it. */
function loadEmpty(
  { filepath }: NonNullable<CosmiconfigResult>,
  load: (file: string, text: string) => Source,
): CosmiconfigResult {
  return { filepath, config: load(filepath, '') };
}

function checkTrust(file: string, read: ReadonlyMap<string, TrustedText>): void {
  const distrust = read.get(file)?.distrust;
  if (distrust !== undefined) throw distrust;
}

/** Reads for cosmiconfig: what is absent is passed over, what cannot be read is an error. */
function readerInto(read: Map<string, TrustedText>): (file: string) => string {
  return (file) => {
    if (!exists(file)) throw Object.assign(new Error(`${file}: no such file or directory`), { code: 'ENOENT' });
    const result = readFileWithTrust(file);
    read.set(file, result);
    return result.text;
  };
}

/**
 * Runs a search of cosmiconfig's with `reader` as its way to read files called `names`. cosmiconfig calls
 * `fs.readFileSync` itself, which waits for ever on a named pipe and never looks at the owner on the descriptor that it
 * reads. It has no option for a reader, so it gets ours in place of that function. The search is synchronous: nothing
 * else runs until it is over, and all other calls within it go to the function that was there.
 */
function withReader<T>(names: readonly string[], reader: (file: string) => string, search: () => T): T {
  const fs = process.getBuiltinModule('node:fs') as { readFileSync: (...args: unknown[]) => unknown };
  const original = fs.readFileSync;
  fs.readFileSync = (file, ...rest) =>
    typeof file === 'string' && names.includes(basename(file)) ? reader(file) : original(file, ...rest);
  try {
    return search();
  } finally {
    fs.readFileSync = original;
  }
}
