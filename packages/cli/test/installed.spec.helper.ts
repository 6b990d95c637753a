import { rmSync } from 'node:fs';
import { skipOrFail } from '@fdpass/test-lab';
import { installPacked } from './packed.spec.helper.js';

const NO_REGISTRY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT/;

let installing: Promise<string> | undefined;

/** Gives a suite the folder with the installed packages: all suites of a run share it, and it goes with the process. */
export function useInstalled(): () => string {
  let folder = '';
  before(async function () {
    this.timeout(300_000);
    installing ??= installOnce();
    try {
      folder = await installing;
    } catch (error) {
      if (NO_REGISTRY.test(String(error))) skipOrFail(this, 'neither an npm registry nor what it has in a cache');
      throw error;
    }
  });
  return () => folder;
}

async function installOnce(): Promise<string> {
  const folder = await installPacked();
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
