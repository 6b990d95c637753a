import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { FdpassError, isFdpassError } from './errors.js';
import { isShownPath } from './shown.js';
import { errnoName, reasonOf } from './system-error.js';
import { quote } from './text.js';
import {
  entriesOnWayTo,
  type PathEntry,
  statusOf,
  type TrustOptions,
  whyDistrusted,
  whyEntriesDistrusted,
  whyWayDistrusted,
} from './trust.js';

/** No config, key or password is larger: a larger file must be the wrong one. */
const MAX_BYTES = 2 ** 20;

/**
 * The contents of a file that only the user or root can have written or put there, as ssh asks of its own. Owner and mode are
 * checked on the very descriptor that is read, and every folder on the way to it is checked.
 *
 * @throws FdpassError `config` if it cannot be read or cannot be trusted, with the command that repairs it.
 */
export function readTrustedFile(path: string, options: TrustOptions = {}): string {
  return readTrustedText(path, options).text;
}

/**
 * The same for a file that an option names. If it cannot be read, the error names the option. It shows the path only if that
 * looks like a path, since somebody could have written a password in its place.
 *
 * @param path What {@link expandPath} makes of what was written.
 */
export function readOptionFile(option: string, written: string, path: string, options: TrustOptions = {}): string {
  try {
    return readTrustedFile(path, options);
  } catch (error) {
    if (isShownPath(written) || !isFdpassError(error) || error.cause === undefined) throw error;
    const message = `the file that ${JSON.stringify(option)} names: ${reasonOf(error.cause)}`;
    throw new FdpassError(error.code, message, {
      hint: 'check the path: a relative one starts at the folder of the config',
    });
  }
}

/** The same, with the state that the file was in. @throws FdpassError `config` */
export function readTrustedText(path: string, options: TrustOptions = {}): TrustedText {
  const read = readFileWithTrust(path, options);
  if (read.distrust !== undefined) throw read.distrust;
  return read;
}

/** Which file it was, in which state. */
export interface FileStamp {
  /** Device, inode, size, and both times in nanoseconds. */
  readonly identity: string;
  /** For how long neither its contents nor its status had changed. */
  readonly ageMs: number;
}

/** The state of a file, and why it must not be trusted. */
export interface FileInspection {
  /** Its state. */
  readonly stamp: FileStamp;
  /** Undefined if the file can be trusted. */
  readonly distrust: FdpassError | undefined;
}

/** The text of a file. The stamp is that of the descriptor, from before the text was read from it. */
export interface TrustedText extends FileInspection {
  readonly text: string;
}

/**
 * The same for a file that may not matter: the reason to distrust it is returned, not thrown.
 *
 * @throws FdpassError `config` if it cannot be read, or is not a file.
 */
export function readFileWithTrust(path: string, options: TrustOptions = {}): TrustedText {
  const absolute = resolve(path);
  return fromSystem(absolute, () => {
    // O_NONBLOCK: opening a named pipe would wait for its writer. Node opens every file close-on-exec.
    const fd = openSync(absolute, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = fstatSync(fd, { bigint: true });
      const distrust = whyFileDistrusted(absolute, status, options) ?? whyWayDistrusted(absolute);
      return { distrust, stamp: stampOf(status), text: readText(fd, absolute) };
    } finally {
      closeSync(fd);
    }
  });
}

/**
 * Checks a file as {@link readTrustedFile} does, without opening it, for modules that Node reads.
 *
 * @throws FdpassError `config`
 */
export function checkTrusted(path: string): void {
  const { distrust } = inspectFile(path);
  if (distrust !== undefined) throw distrust;
}

/**
 * Looks at a file as {@link readFileWithTrust} does, without opening it.
 *
 * @param path Absolute.
 * @throws FdpassError `config` if there is none.
 */
export function inspectFile(path: string): FileInspection {
  return fromSystem(path, () => {
    const entries = entriesOnWayTo(path);
    const { status } = entries.pop() as PathEntry;
    const distrust = whyFileDistrusted(path, status, {}) ?? whyEntriesDistrusted(path, entries);
    return { stamp: stampOf(status), distrust };
  });
}

/** The state of what is at `path`, for a second look: one system call. Undefined if nothing is there. */
export function stampOfFile(path: string): FileStamp | undefined {
  try {
    return stampOf(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs, ctimeMs }: BigIntStats): FileStamp {
  return { identity: [dev, ino, size, mtimeNs, ctimeNs].join(' '), ageMs: Date.now() - Number(ctimeMs) };
}

/** Why a file must not be trusted; undefined if it can be. @throws FdpassError `config` if it is not a file. */
function whyFileDistrusted(path: string, status: BigIntStats, options: TrustOptions): FdpassError | undefined {
  if (status.isFile()) return whyDistrusted(path, statusOf(status), process.getuid?.(), options);
  const kind = status.isDirectory() ? 'a folder' : 'a device or a pipe';
  throw new FdpassError('config', `${path} is ${kind}, not a file`);
}

/** Reads to the end, which can be later than the status says: a file can grow in the meantime. */
function readText(fd: number, path: string): string {
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const chunk = Buffer.allocUnsafe(2 ** 16);
    const read = readSync(fd, chunk);
    if (read === 0) return Buffer.concat(chunks).toString('utf8');
    length += read;
    if (length > MAX_BYTES)
      throw new FdpassError('config', `${path} is larger than 1 MiB`, { hint: 'check that it is the right file' });
    chunks.push(chunk.subarray(0, read));
  }
}

/** The result of `action`; a system error becomes one about `path`. */
function fromSystem<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw isOfSystem(error) ? unreadable(path, error) : error;
  }
}

function isOfSystem(error: unknown): boolean {
  return errnoName(error) !== undefined && error instanceof Error && 'syscall' in error;
}

function unreadable(path: string, error: unknown): FdpassError {
  const hint = errnoName(error) === 'EACCES' ? `make it readable: chmod u+r ${quote(path)}` : undefined;
  return new FdpassError('config', `${path}: ${reasonOf(error)}`, { hint, cause: error });
}

/**
 * The current directory, or '' if it has been deleted. Nothing needs it but a relative path that the user has written, and
 * that fails in {@link expandPath}.
 */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

/** A folder that a program names, as an absolute path. Default: {@link currentFolder}. */
export function absoluteFolder(folder = '.'): string {
  const current = isAbsolute(folder) ? '/' : currentFolder();
  return current === '' ? '' : resolve(current, folder);
}

/**
 * A path as a config writes it: `~/` is the home folder, and a relative path starts at `baseDir`.
 *
 * @param baseDir An absolute path, or what {@link currentFolder} returns.
 * @param home As {@link homeFolder} takes it.
 * @throws FdpassError `config` if it begins with `~/` and the home folder is not absolute, or has a NUL byte in it; `usage`
 * if it is relative and the current directory has been deleted.
 */
export function expandPath(written: string, baseDir: string, home?: string): string {
  // Node would repeat it in its error.
  if (written.includes('\0')) throw new FdpassError('config', 'a path has a NUL byte in it');
  if (written.startsWith('~/')) return join(homeFolder(home), written.slice(2));
  if (baseDir !== '' || isAbsolute(written)) return resolve(baseDir, written);
  const which = isShownPath(written) ? `the path ${JSON.stringify(written)}` : 'a relative path';
  throw new FdpassError('usage', `${which} starts at the current directory, which has been deleted`, {
    hint: 'write an absolute path',
  });
}

/**
 * A path that an environment variable holds. Relative to the current directory it would name a stranger's file in a stranger's
 * clone.
 *
 * @param home As {@link homeFolder} takes it.
 * @throws FdpassError `config` if it is relative.
 */
export function pathFromVariable(name: string, value: string, home?: string): string {
  if (isAbsolute(value) || value.startsWith('~/')) return expandPath(value, '/', home);
  const what = isShownPath(value) ? `names ${JSON.stringify(value)}` : 'is a relative path';
  const message = `${name} ${what}, which depends on the current directory`;
  throw new FdpassError('config', message, { hint: 'write an absolute path' });
}

/**
 * The user's home folder.
 *
 * @param home Default: HOME, else what the system says.
 * @throws FdpassError `config` if it is relative: it would then be in the current directory.
 */
export function homeFolder(home?: string): string {
  const folder = home ?? (homeIn(process.env) || process.getBuiltinModule('node:os').homedir());
  if (isAbsolute(folder)) return folder;
  throw new FdpassError('config', 'the home folder is not an absolute path', {
    hint: 'set HOME',
  });
}

/** The home folder that an environment names; undefined where HOME is missing or empty. */
export function homeIn(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return environment['HOME'] || undefined;
}

/** Where temporary files can go, the user's choice first: TMPDIR can name a folder that no longer exists, or a relative one. */
export function temporaryFolders(): string[] {
  const folders = [process.getBuiltinModule('node:os').tmpdir(), '/tmp', '/var/tmp'];
  return [...new Set(folders)].filter((folder) => isAbsolute(folder));
}
