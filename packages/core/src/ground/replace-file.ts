import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Puts a file in the place of another in one step, readable by nobody else: whoever reads it finds the old text or the new
 * one, whatever ends this process meanwhile.
 */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' });
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}
