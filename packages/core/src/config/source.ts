import { join } from 'node:path';
import { FdpassError, type PlacePart, type ValuePath, type Where } from '../ground/errors.js';
import { absoluteFolder, type FileStamp } from '../ground/files.js';
import { showName } from '../ground/shown.js';

/** One config file: its data, and where each part of it is in the text. */
export interface Source {
  /** Absolute. */
  readonly file: string;
  /** The folder that relative paths in the file start from. */
  readonly baseDir: string;
  readonly data: unknown;
  /** Of the descriptor that was read; undefined for what is not from a file. */
  readonly stamp?: FileStamp | undefined;
  /** Where the value at `path` (or its key) is; if it is absent, the nearest thing around it. */
  locate(path: ValuePath, part?: PlacePart): Where;
}

/** An error that points at a place in a config file. */
export function configError(where: Where, message: string, hint?: string, cause?: unknown): FdpassError {
  return new FdpassError('config', message, { where, hint, cause });
}

/** Used as the file name of a config that a program gives as an object. */
export const INLINE_NAME = '(config)';

/**
 * A config given in code, as a {@link Source}: places are written as the path to the value (`config.rules[2].host`).
 *
 * @param baseDir The folder that relative paths start from, and that packages it extends are looked for beside.
 *   Default: the current directory.
 */
export function inlineSource(data: unknown, baseDir?: string): Source {
  const folder = absoluteFolder(baseDir);
  return { file: join(folder, INLINE_NAME), baseDir: folder, data, locate: placeOf };
}

/** A place in a config given in code; it has no line. */
function placeOf(path: ValuePath, part?: PlacePart): Where {
  const known = part === 'unknown-key' ? path.slice(0, -1) : path;
  const keys = known.map((key) => (typeof key === 'number' ? `[${key}]` : `.${showName(key)}`));
  return { file: `config${keys.join('')}`, line: 0, column: 0 };
}
