import { dirname, resolve } from 'node:path';
import { addDetails, isFdpassError } from '../ground/errors.js';
import { homeIn } from '../ground/files.js';
import { type ReadRules, readAll } from './merge.js';
import { CONFIG_FOLDER_NAMES, configPath, type LoadOptions, PROGRAM_FOLDER_NAMES } from './places.js';
import type { Report } from './schema.js';
import { searchFolder } from './search.js';
import { inlineSource, type Source } from './source.js';
import { readSource } from './yaml-source.js';

export type { Config, ConfigHop, ConfigPlugin, LoadedRules, NamedPlugin, ReadRules } from './merge.js';
export type { LoadOptions } from './places.js';

/**
 * Reads the config and everything it extends; undefined if there is none at all.
 *
 * Only data is read, never code, and never from the current directory unless `file` names it.
 *
 * @param report For a check: is told all that is wrong, and the result is the rest.
 * @throws FdpassError `config`: `FILE:LINE:COLUMN: what, why; what to try`.
 */
export function loadRules(options: LoadOptions = {}, report?: Report): ReadRules | undefined {
  const main = findConfig(options);
  if (main === undefined) return undefined;
  const home = options.home ?? homeIn(options.env ?? process.env);
  return readAll(main, { read: readSource, home, report });
}

/**
 * Reads the config file that {@link configPath} chooses, or the config that a program gives or has in its own folder.
 * Never the current directory's.
 *
 * @throws FdpassError `config` if a file was named and is missing, or one is there and cannot be used.
 */
export function findConfig(options: LoadOptions): Source | undefined {
  if (options.content !== undefined) return inlineSource(options.content, options.baseDir);
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
    throw isFdpassError(error) ? addDetails(error, { hint: 'check FDPASS_CONFIG, which names this file' }) : error;
  }
}
