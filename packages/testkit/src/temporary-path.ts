import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A path in a folder of its own where nothing is yet, e.g. for a unix socket, and how to remove both. */
export function temporaryPath(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-kit-'));
  return { path: join(folder, 'it'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
