import { fdpassVersion } from '@fdpass/core';
import type { ConfigCache } from '@fdpass/core/host';
import { cacheFolder } from './user-folder.js';

/** The folder of compiled code (the launcher makes it), for configs too; undefined where the user has no place for caches. */
export function configCache(): ConfigCache | undefined {
  const folder = cacheFolder();
  return folder === undefined ? undefined : { folder, version: fdpassVersion() };
}
