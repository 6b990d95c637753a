import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Puts a file in the place of another in one step: whoever reads it finds the old content or the new one, whatever ends this
 * process meanwhile.
 *
 * @param mode Who can read it. Default: nobody else.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, content, { mode: 0o600, flag: 'wx' });
    chmodSync(fresh, mode); // the umask may not allow it to be made so
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}
