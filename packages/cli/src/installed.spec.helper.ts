import { rmSync } from 'node:fs';
import { skipOrFail } from '@fdpass/testkit';
import { installPacked } from './packed.spec.helper.js';

const NO_REGISTRY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT/;

/** Gives a suite a folder with the installed packages: they are installed before its tests and removed after them. */
export function useInstalled(): () => string {
  let folder: string | undefined;
  before(async function () {
    this.timeout(300_000);
    try {
      folder = await installPacked();
    } catch (error) {
      if (NO_REGISTRY.test(String(error))) skipOrFail(this, 'neither an npm registry nor what it has in a cache');
      throw error;
    }
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return () => folder as string;
}
