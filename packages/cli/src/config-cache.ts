import { fdpassVersion } from '@fdpass/core';
import type { ConfigCache } from '@fdpass/core/host';
import { userFolder } from './user-folder.js';

/** The folder of compiled code (launch.cjs makes it), for configs too; undefined where the user has no place for caches. */
export function configCache(): ConfigCache | undefined {
  const folder = userFolder('XDG_CACHE_HOME', '.cache', process.env);
  return folder === undefined ? undefined : { folder, version: fdpassVersion() };
}
