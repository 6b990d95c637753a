import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { FdpassError } from './errors.js';
import { errnoName, isOutOfDescriptors, reasonOf } from './system-error.js';
import { entriesOnWayTo, whyEntriesDistrusted } from './trust.js';

/*
 * Files of fdpass's own: where they are, how they are made, and how a reader knows that nobody else has written them.
 */

/**
 * Our folder among those of the XDG Base Directory Specification 0.8, which ignores a relative path in a variable. Undefined
 * where the user has no place for it.
 *
 * @param variable Names the folder that ours is in.
 * @param underHome Its default.
 */
export function userFolder(
  variable: string,
  underHome: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const base = environment[variable] || (environment['HOME'] && join(environment['HOME'], underHome));
  return base && isAbsolute(base) ? join(base, 'fdpass') : undefined;
}

/** The folder for what must survive when the cache is deleted. Undefined where the user has no place for it. */
export function stateFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return userFolder('XDG_STATE_HOME', '.local/state', environment);
}

const OTHERS_MAY_WRITE = 0o022;

/**
 * Creates a folder in which nobody else can write, and the missing folders above it. Returns false if that is not possible. It
 * creates nothing below a folder or link that somebody else controls.
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

/** Another start may have created it in the meantime. Not `recursive`: in /proc Node would then try for ever. */
function makeFolderOnce(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
  }
}

const OTHERS_MAY_ANYTHING = 0o077;

/**
 * What is in a file that this user's programs alone can have written. It is looked at on the descriptor that is read.
 *
 * @throws A system error, or an Error if it is a link, no file, another user's, or others may read or write it.
 */
export function readOwnFile(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(fd);
    const isOurs = status.isFile() && status.uid === process.geteuid?.() && (status.mode & OTHERS_MAY_ANYTHING) === 0;
    if (!isOurs) throw new Error(`${path} is not ours`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Replaces a file in one step: a reader finds the old content or the new one, even if this process is killed in between.
 *
 * @param mode Who can read it. Default: nobody else.
 * @param modifiedAt When it says that it was modified, in seconds since 1970. Default: now.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600, modifiedAt?: number): void {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, content, { mode: 0o600, flag: 'wx' });
    chmodSync(fresh, mode); // the umask may not allow it to be made so
    if (modifiedAt !== undefined) utimesSync(fresh, modifiedAt, modifiedAt);
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/**
 * Opens a log to append to. Others cannot read a new one, which names hosts and users. Nothing is waited for: opening a
 * named pipe would wait for its reader.
 *
 * @returns The descriptor of a file or, for those who mean /dev/null or a terminal, of a device.
 * @throws FdpassError `config`; a system error when no descriptor is left, which is not the log's fault.
 */
export function openLog(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK } = constants;
  let fd: number | undefined;
  try {
    fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o600);
    const status = fstatSync(fd);
    if (status.isFile() || status.isCharacterDevice()) return fd;
  } catch (cause) {
    if (isOutOfDescriptors(cause)) throw cause;
    if (errnoName(cause) !== 'ENXIO') throw cannotWrite(path, reasonOf(cause), cause); // a pipe without a reader, or a socket
  }
  if (fd !== undefined) closeSync(fd);
  throw cannotWrite(path, 'it is not a file');
}

function cannotWrite(path: string, why: string, cause?: unknown): FdpassError {
  return new FdpassError('config', `cannot write the log ${path}: ${why}`, { hint: 'choose another file', cause });
}

/**
 * FNV-1a, 32 bits: detects damage, and tells strings apart where nobody gains by a collision. A cryptographic hash takes long to
 * load.
 */
export function checksumOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16);
}
