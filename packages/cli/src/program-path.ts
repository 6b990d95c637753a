import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/**
 * A program in PATH, as the launcher of our commands finds one: a relative folder would be looked for in the current directory,
 * which can be a stranger's clone. Undefined if there is none.
 */
export function findInPath(name: string, path: string = process.env['PATH'] ?? ''): string | undefined {
  const folders = path.split(':').filter(isAbsolute);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Whether a path leads to a file that the user can run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
