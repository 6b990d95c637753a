import { dirname, resolve } from 'node:path';
import { addDetails, isFdpassError } from '../ground/errors.js';
import { inlineSource } from './inline.js';
import { CONFIG_FOLDER_NAMES, configPath, type LoadOptions, PROGRAM_FOLDER_NAMES } from './places.js';
import { searchFolder } from './search.js';
import { readSource, type Source } from './source.js';

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
    return searchFolder(resolve(options.searchFrom), PROGRAM_FOLDER_NAMES);
  if (file === undefined) return undefined;
  if (options.file !== undefined) return readSource(file);
  if ((options.env ?? process.env)['FDPASS_CONFIG']) return readNamedByVariable(file);
  return searchFolder(dirname(file), CONFIG_FOLDER_NAMES);
}

function readNamedByVariable(file: string): Source {
  try {
    return readSource(file);
  } catch (error) {
    throw isFdpassError(error) ? addDetails(error, { hint: 'FDPASS_CONFIG names this file' }) : error;
  }
}
