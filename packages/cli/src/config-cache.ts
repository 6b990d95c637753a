import { isAbsolute, join } from 'node:path';
import { fdpassVersion } from '@fdpass/core';
import type { ConfigCache } from '@fdpass/core/host';

/** The folder of compiled code (launch.cjs makes it), for configs too; undefined where the user has no place for caches. */
export function configCache(): ConfigCache | undefined {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return base && isAbsolute(base) ? { folder: join(base, 'fdpass'), version: fdpassVersion() } : undefined;
}
