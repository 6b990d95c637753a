import { dirname, resolve } from 'node:path';
import { addDetails, isFdpassError } from '../ground/errors.js';
import { compileRules, type RuleTable } from '../rules/rule-table.js';
import { type LoadedFile, loadWithExtends } from './extends.js';
import { type Config, mergeFiles } from './merge.js';
import { CONFIG_FOLDER_NAMES, configPath, type LoadOptions, PROGRAM_FOLDER_NAMES } from './places.js';
import { searchFolder } from './search.js';
import { inlineSource, readSource, type Source } from './source.js';

export type { Config, ConfigHop, ConfigPlugin } from './merge.js';
export type { LoadOptions } from './places.js';

/** A config and its rules, ready to match. */
export interface LoadedRules {
  /** The config as it was read. */
  readonly config: Config;
  /** Its rules, ready for look-ups. */
  readonly table: RuleTable;
}

/** The same, with the files that it was read from. */
export interface ReadRules extends LoadedRules {
  readonly files: readonly LoadedFile[];
}

/**
 * Reads the config and everything it extends; undefined if there is none at all.
 *
 * Only data is read, never code, and never from the current directory unless `file` names it.
 *
 * @throws FdpassError `config`: `FILE:LINE:COLUMN: what, why; what to try`.
 */
export function loadRules(options: LoadOptions = {}): ReadRules | undefined {
  const main = findConfig(options);
  if (main === undefined) return undefined;
  const files = loadWithExtends(main);
  const config = mergeFiles(main, files);
  return { config, table: compileRules(config.rules), files };
}

/**
 * Reads the config file that {@link configPath} chooses, or the config that a program gives or has in its own folder.
 * Never the current directory's.
 *
 * @throws FdpassError `config` if a file was named and is missing, or one is there and cannot be used.
 */
export function findConfig(options: LoadOptions): Source | undefined {
  if (options.content !== undefined) return inlineSource(options.content, options.baseDir ?? '.');
  const file = configPath(options);
  if (options.file === undefined && options.searchFrom !== undefined)
    return searchFolder({ folder: resolve(options.searchFrom), names: PROGRAM_FOLDER_NAMES, up: options.searchUp });
  if (file === undefined) return undefined;
  if (options.file !== undefined) return readSource(file);
  if ((options.env ?? process.env)['FDPASS_CONFIG']) return readNamedByVariable(file);
  return searchFolder({ folder: dirname(file), names: CONFIG_FOLDER_NAMES });
}

function readNamedByVariable(file: string): Source {
  try {
    return readSource(file);
  } catch (error) {
    throw isFdpassError(error) ? addDetails(error, { hint: 'FDPASS_CONFIG names this file' }) : error;
  }
}
