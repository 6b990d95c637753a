import { makePrivateFolder } from '@fdpass/core/host';
import { cacheFolder } from './user-folder.js';

/*
 * A bundle of its own: the launcher of every start asks for it only where a look at the folder is not enough, as in the first.
 */

/** Where compiled code is kept, made if it is missing. Undefined where the user has no place for it, or somebody else could write. */
export function makeCodeFolder(): string | undefined {
  const folder = cacheFolder();
  return folder !== undefined && makePrivateFolder(folder) ? folder : undefined;
}
