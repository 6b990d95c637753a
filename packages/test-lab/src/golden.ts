import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Set to 1, the texts are written as they are now: look at the difference before you commit it. */
const WRITES = process.env['FDPASS_WRITE_GOLDEN'] === '1';

/**
 * The text that a test expects, from a file that is committed. With FDPASS_WRITE_GOLDEN=1 it is `now`, which the file then holds.
 *
 * @param file Among the sources.
 */
export function golden(file: URL, now: string): string {
  const path = fileURLToPath(file);
  if (WRITES) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, now);
  }
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
