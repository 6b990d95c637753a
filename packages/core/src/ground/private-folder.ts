import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from './system-error.js';
import { entriesOnWayTo, whyEntriesDistrusted } from './trust.js';

const OTHERS_MAY_WRITE = 0o022;

/**
 * Makes a folder in which nobody else can write, and the folders above it that are missing. False if it cannot be had: if
 * somebody else controls a folder or link on the way, nothing is made behind that.
 */
export function makePrivateFolder(path: string): boolean {
  try {
    return makeFolder(path) && isPrivateFolder(path);
  } catch {
    return false;
  }
}

/** Whether `path` is a folder of the user's, not a link, in which nobody else can write. */
export function isPrivateFolder(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true || status.uid !== process.geteuid?.()) return false;
  return (status.mode & OTHERS_MAY_WRITE) === 0;
}

function makeFolder(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    if (!makeFolder(dirname(path))) return false;
    makeFolderOnce(path);
  }
  return whyEntriesDistrusted(path, entriesOnWayTo(path)) === undefined;
}

/** Another start may have made it meanwhile. Not `recursive`, with which Node tries without end in /proc. */
function makeFolderOnce(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
  }
}
