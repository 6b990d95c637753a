import { join } from 'node:path';
import { userFolder } from '@fdpass/core/host';

/** Where the user's configuration is, or would be. @param home The user's home folder */
export function configFolder(home: string): string {
  const folder = userFolder('XDG_CONFIG_HOME', '.config', { ...process.env, HOME: home });
  return folder ?? join(home, '.config/fdpass'); // a relative XDG_CONFIG_HOME is ignored
}

/** Where configs and compiled code are kept between starts. Undefined where the user has no place for it. */
export function cacheFolder(): string | undefined {
  return userFolder('XDG_CACHE_HOME', '.cache', process.env);
}
