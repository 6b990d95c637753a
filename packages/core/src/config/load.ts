import { existsSync } from 'node:fs';
import { type ConfigCache, keep } from '../cold-start/config-cache.js';
import { keepable } from '../cold-start/keepable.js';
import { loadWithExtends } from './extends.js';
import { findConfig } from './find.js';
import { type Config, mergeFiles } from './merge.js';
import type { LoadOptions } from './places.js';

export type { Config, ConfigHop, ConfigPlugin } from './merge.js';
export type { LoadOptions } from './places.js';

/**
 * Loads the config and everything it extends; undefined if there is none at all.
 *
 * Only data is read, never code, and never from the current directory unless `file` names it.
 *
 * @param cache Where the result is kept for the next run. Default: nowhere.
 * @throws FdpassError `config`: `FILE:LINE:COLUMN: what, why; what to try`.
 */
export function loadConfig(options: LoadOptions = {}, cache?: ConfigCache): Config | undefined {
  const main = findConfig(options);
  if (main === undefined) return undefined;
  const files = loadWithExtends(main);
  const config = mergeFiles(main, files);
  if (cache !== undefined && existsSync(main.file)) {
    const kept = keepable(config, files);
    if (kept !== undefined) keep(kept, cache);
  }
  return config;
}
