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
 * @throws FdpassError `config`: `FILE:LINE:COLUMN: what, why; what to try`.
 */
export function loadConfig(options: LoadOptions = {}): Config | undefined {
  const main = findConfig(options);
  return main && mergeFiles(main, loadWithExtends(main));
}
