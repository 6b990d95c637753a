import { makePrivateFolder } from '@fdpass/core/host';
import { cacheFolder } from './user-folder.js';

/*
 * A bundle of its own: the launcher loads it only if a look at the folder is not enough, as in the first start.
 */

/** The folder for compiled code, created if it is missing. Undefined if the user has no place for it, or others could write there. */
export function makeCodeFolder(): string | undefined {
  const folder = cacheFolder();
  return folder !== undefined && makePrivateFolder(folder) ? folder : undefined;
}
