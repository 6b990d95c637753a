import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './background.js';

/** A pipe as pipe(2) makes it, blocking: the end to read from and the end to write to. The caller closes both. */
export function makePipe(): [reader: number, writer: number] {
  const folder = temporaryFolder();
  try {
    const path = join(folder.path, 'pipe');
    execFileSync('mkfifo', [path]);
    const both = openSync(path, constants.O_RDWR); // waits for nobody, so that the others do not either
    const ends: [number, number] = [openSync(path, 'r'), openSync(path, 'w')];
    closeSync(both);
    return ends;
  } finally {
    folder.remove();
  }
}
