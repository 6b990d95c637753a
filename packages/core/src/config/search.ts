import type { OptionsSync, PublicExplorerSync } from 'cosmiconfig';
import * as explorerSync from 'cosmiconfig/dist/ExplorerSync.js';
import { FdpassError } from '../ground/errors.js';
import { checkTrusted, readTrustedFile } from '../ground/files.js';
import { findIn } from './places.js';
import { parseSource, type Source } from './source.js';

/*
 * cosmiconfig's public functions must not be called: before they search anything, they look in the current directory
 * for settings of their own and run `.config/config.js` there, whatever options they get. `git fetch` in a stranger's
 * clone would run the stranger's code. All of that is in `dist/index.js` (mergeOptions); the class that searches has no
 * part in it. So the class is imported from its own file, `dist/index.js` is never loaded, and the class gets complete
 * options, as mergeOptions would have made them: no meta config, no loader but ours, no folder but the one it is given.
 * The package is pinned, and `explorer.spec.ts` has a hostile directory that both ways are tried in.
 */
interface ExplorerOptions extends OptionsSync {
  readonly moduleName: string;
  readonly metaConfigFilePath: null;
}

const { ExplorerSync } = explorerSync as unknown as {
  ExplorerSync: new (options: ExplorerOptions) => PublicExplorerSync;
};

/**
 * Reads the first of `names` that exists in `folder`; undefined if there is none.
 *
 * @param folder Absolute: nothing else is looked into.
 * @throws FdpassError `config` if it cannot be read, trusted or parsed: passing over it would mean another route.
 */
export function searchFolder(folder: string, names: readonly string[]): Source | undefined {
  const present = findIn(folder, names);
  if (present === undefined) return undefined;
  const before = checkTrusted(present); // cosmiconfig would wait for ever on a named pipe
  const found = makeExplorer(names).search(folder);
  // The same file before and after: so what was read between was written by whom we trust.
  if (found?.filepath === present && checkTrusted(present) === before) return found.config as Source;
  readTrustedFile(present); // cosmiconfig passes over what it cannot read; this says why
  throw new FdpassError('config', `${present} changed while it was being read`, { hint: 'try again' });
}

function makeExplorer(names: readonly string[]): PublicExplorerSync {
  // The result is a Source, not a plain mapping, so cosmiconfig finds no `$import` in it and imports nothing.
  const load = (file: string, text: string): Source => parseSource(file, text);
  return new ExplorerSync({
    moduleName: 'fdpass',
    searchPlaces: [...names],
    searchStrategy: 'none', // the folder itself, not the ones above
    loaders: { '.yaml': load, '.yml': load, '.json': load, noExt: load },
    transform: (result) =>
      result?.isEmpty ? { filepath: result.filepath, config: parseSource(result.filepath, '') } : result,
    ignoreEmptySearchPlaces: false,
    cache: false,
    metaConfigFilePath: null,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
  });
}
