import { join, resolve } from 'node:path';
import type { Where } from '../ground/where.js';
import type { Source, ValuePath } from './source.js';

/** The name that stands for the file of a config that a program gives as an object. */
export const INLINE_NAME = '(config)';

/**
 * A config given in code, as a {@link Source}: places are written as the path to the value (`config.rules[2].host`).
 *
 * @param baseDir The folder that relative paths start from, and that packages it extends are looked for beside.
 */
export function inlineSource(data: unknown, baseDir: string): Source {
  const folder = resolve(baseDir);
  return { file: join(folder, INLINE_NAME), baseDir: folder, data, locate: (path) => placeOf(path) };
}

/** A place in a config given in code; it has no line. */
function placeOf(path: ValuePath): Where {
  const keys = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return { file: `config${keys.join('')}`, line: 0, column: 0 };
}
