import { isAbsolute, resolve } from 'node:path';
import { addDetails, FdpassError, isFdpassError } from '../errors.js';
import { searchFolder } from './explorer.js';
import { inlineSource } from './inline.js';
import { CONFIG_FOLDER_NAMES, configFolders, expandHome, type LoadOptions, PROGRAM_FOLDER_NAMES } from './places.js';
import { readSource, type Source } from './source.js';

/**
 * The config file: the one named by hand, else by FDPASS_CONFIG, else the first in the user's folder
 * (`$XDG_CONFIG_HOME/fdpass`, by default `~/.config/fdpass`), else in the system's. Never the current directory's.
 *
 * @throws FdpassError `config` if a file was named and is missing, or one is there and cannot be used.
 */
export function findConfig(options: LoadOptions): Source | undefined {
  const env = options.env ?? process.env;
  if (options.content !== undefined) return inlineSource(options.content, options.baseDir ?? '.');
  if (options.file !== undefined) return readSource(resolve(expandHome(options.file, options, env)));
  if (options.searchFrom !== undefined) return searchFolder(resolve(options.searchFrom), PROGRAM_FOLDER_NAMES);
  if (env['FDPASS_CONFIG']) return readNamedByVariable(env['FDPASS_CONFIG'], options, env);
  for (const folder of configFolders(options)) {
    const source = searchFolder(folder, CONFIG_FOLDER_NAMES);
    if (source !== undefined) return source;
  }
  return undefined;
}

function readNamedByVariable(value: string, options: LoadOptions, env: NodeJS.ProcessEnv): Source {
  const file = expandHome(value, options, env);
  // Relative to the current directory it would name a stranger's file in a stranger's clone.
  if (!isAbsolute(file)) throw relativeVariable(value);
  try {
    return readSource(file);
  } catch (error) {
    throw isFdpassError(error) ? addDetails(error, { hint: 'FDPASS_CONFIG names this file' }) : error;
  }
}

function relativeVariable(value: string): FdpassError {
  return new FdpassError(
    'config',
    `FDPASS_CONFIG names ${JSON.stringify(value)}, which depends on the current directory`,
    {
      hint: 'write it with its whole path',
    },
  );
}
