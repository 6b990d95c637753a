import { join } from 'node:path';
import { FdpassError } from '../ground/errors.js';
import { readOwnFile, stateFolder } from '../ground/own-files.js';
import { errnoName, reasonOf } from '../ground/system-error.js';

/** Where the profile that `fdpass use` has set is kept; undefined where the user has no place for it. */
export function profileFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const folder = stateFolder(environment);
  return folder && join(folder, 'profile');
}

/** The profile in use; undefined if there is none. @throws FdpassError `config` if that cannot be told */
export function readProfile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const file = profileFile(environment);
  try {
    return file && (readOwnFile(file).toString().trim() || undefined);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(cause) ?? '')) return undefined;
    const why = errnoName(cause) === undefined ? 'it is a link, or not yours alone' : reasonOf(cause);
    throw new FdpassError('config', `cannot read the profile in use from ${file}: ${why}`, {
      hint: 'delete that file',
      cause,
    });
  }
}
