import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { FdpassError } from './errors.js';
import { errnoName, reasonOf } from './system-error.js';
import { quote } from './text.js';

/** What a file must be before it is trusted. */
export interface TrustOptions {
  /** The file holds a secret: others must not even read it. Default false. */
  readonly secret?: boolean | undefined;
}

/** The part of a file's status that decides on trust. */
export interface FileStatus {
  readonly uid: number;
  readonly mode: number;
}

/**
 * The contents of a file that only the user or root can have written, as ssh asks of its own (readconf.c: the owner is
 * root or the user, nobody else can write). Owner and mode are checked on the very descriptor that is read.
 *
 * @throws FdpassError `config` if it cannot be read or cannot be trusted, with the command that repairs it.
 */
export function readTrustedFile(path: string, options: TrustOptions = {}): string {
  const { text, distrust } = readFileWithTrust(path, options);
  if (distrust !== undefined) throw distrust;
  return text;
}

/** The text of a file, and why it must not be trusted. */
export interface TrustedText {
  readonly text: string;
  /** Undefined if the file can be trusted. */
  readonly distrust: FdpassError | undefined;
}

/**
 * The same for a file that perhaps does not concern us: the reason to distrust it is returned, not thrown.
 *
 * @throws FdpassError `config` if it cannot be read, or is not a file.
 */
export function readFileWithTrust(path: string, options: TrustOptions = {}): TrustedText {
  let fd: number | undefined;
  try {
    // O_NONBLOCK: opening a named pipe would wait for its writer. Node opens every file close-on-exec.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const distrust = distrustOf(path, fstatSync(fd), options);
    return { distrust, text: readFileSync(fd, 'utf8') };
  } catch (error) {
    throw isOfSystem(error) ? unreadable(path, error) : error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Checks a file as {@link readTrustedFile} does, without opening it, for modules that Node reads.
 *
 * @throws FdpassError `config`
 */
export function checkTrusted(path: string): void {
  let distrust: FdpassError | undefined;
  try {
    distrust = distrustOf(path, statSync(path), {});
  } catch (error) {
    throw isOfSystem(error) ? unreadable(path, error) : error;
  }
  if (distrust !== undefined) throw distrust;
}

/** Which file this is, and in which state: device, inode, size, and both times in nanoseconds. */
export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Why a file must not be trusted; undefined if it can be. @throws FdpassError `config` if it is not a file. */
function distrustOf(path: string, status: Stats, options: TrustOptions): FdpassError | undefined {
  if (status.isFile()) return whyDistrusted(path, status, process.getuid?.(), options);
  const kind = status.isDirectory() ? 'a folder' : 'a device or a pipe';
  throw new FdpassError('config', `${path} is ${kind}, not a file`);
}

function isOfSystem(error: unknown): boolean {
  return errnoName(error) !== undefined && error instanceof Error && 'syscall' in error;
}

function unreadable(path: string, error: unknown): FdpassError {
  const hint = errnoName(error) === 'EACCES' ? `make it readable: chmod u+r ${quote(path)}` : undefined;
  return new FdpassError('config', `${path}: ${reasonOf(error)}`, { hint, cause: error });
}

/** Why the user `uid` must not trust a file with this status; undefined if they can. */
export function whyDistrusted(
  path: string,
  status: FileStatus,
  uid: number | undefined,
  options: TrustOptions = {},
): FdpassError | undefined {
  if (uid === undefined) return undefined; // no owners and modes on this system
  if (status.uid !== 0 && status.uid !== uid) {
    const hint = `make it yours: chown ${uid} ${quote(path)}`;
    return new FdpassError('config', `${path} belongs to the user with uid ${status.uid}, neither to you nor to root`, {
      hint,
    });
  }
  const others = whoElse(status.mode, 0o020, 0o002);
  if (others !== undefined) return tooOpen(path, status, `can be written by ${others}`, `chmod go-w ${quote(path)}`);
  const readers = options.secret === true ? whoElse(status.mode, 0o070, 0o007) : undefined;
  if (readers !== undefined)
    return tooOpen(path, status, `holds a secret and is open to ${readers}`, `chmod go= ${quote(path)}`);
  return undefined;
}

function whoElse(mode: number, groupBits: number, otherBits: number): string | undefined {
  const who = [(mode & groupBits) !== 0 && 'its group', (mode & otherBits) !== 0 && 'everybody'].filter(Boolean);
  return who.length === 0 ? undefined : who.join(' and ');
}

function tooOpen(path: string, status: FileStatus, what: string, fix: string): FdpassError {
  const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
  return new FdpassError('config', `${path} ${what} (mode ${mode})`, { hint: `run: ${fix}` });
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
 * @throws FdpassError `config` if it begins with `~/` and the home folder is not absolute; `usage` if it is relative and
 * the current directory has been deleted.
 */
export function expandPath(written: string, baseDir: string, home?: string): string {
  if (written.startsWith('~/')) return join(homeFolder(home), written.slice(2));
  if (baseDir !== '' || isAbsolute(written)) return resolve(baseDir, written);
  throw new FdpassError(
    'usage',
    `the path ${JSON.stringify(written)} starts at the current directory, which has been deleted`,
    {
      hint: 'write an absolute path, or change to another directory',
    },
  );
}

/**
 * The user's home folder.
 *
 * @param home Default: HOME, else what the system says.
 * @throws FdpassError `config` if it is relative: it would then be in the current directory.
 */
export function homeFolder(home?: string): string {
  const folder = home ?? (process.env['HOME'] || process.getBuiltinModule('node:os').homedir());
  if (isAbsolute(folder)) return folder;
  throw new FdpassError('config', `the home folder ${JSON.stringify(folder)} is not an absolute path`, {
    hint: 'set HOME',
  });
}
