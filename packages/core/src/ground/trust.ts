import { type BigIntStats, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FdpassError } from './errors.js';
import { quote } from './text.js';

/*
 * Which files can be trusted: those that only the user or root can have written or put there. It is what sshd's StrictModes
 * asks (auth_secure_path), with two differences. Every folder and link that the kernel passes is looked at, not only the
 * folders of the path that it arrives at. And a folder like /tmp, where everybody can write but nobody can rename what is
 * another's, is fine.
 */

/** What a file must be before it is trusted. */
export interface TrustOptions {
  /** The file holds a secret: others must not even read it. Default false. */
  readonly secret?: boolean | undefined;
}

/** The part of a status that decides on trust. */
export interface FileStatus {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** A folder, link or file, itself and not what it points to. */
export interface PathEntry {
  readonly path: string;
  readonly status: BigIntStats;
}

const TYPE = 0o170000;
const FOLDER = 0o040000;
const LINK = 0o120000;
const STICKY = 0o1000;
const MAX_LINKS = 40; // as in Linux, path_resolution(7)

/**
 * Everything that the kernel passes on its way to `path`: folders, links, and last what is there.
 *
 * @param path Absolute.
 * @throws A system error if there is nothing, or it cannot be looked at.
 */
export function entriesOnWayTo(path: string): PathEntry[] {
  const entries = [entryAt('/')];
  const names = path.split('/').reverse();
  let folder = '/';
  let links = 0;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      folder = dirname(folder);
      continue;
    }
    const entry = entryAt(join(folder, name));
    entries.push(entry);
    if (!entry.status.isSymbolicLink()) {
      folder = entry.path;
      continue;
    }
    if (++links > MAX_LINKS) throw new FdpassError('config', `${path} has too many symbolic links on its way`);
    const to = readlinkSync(entry.path);
    if (to.startsWith('/')) folder = '/';
    names.push(...to.split('/').reverse());
  }
  return entries;
}

function entryAt(path: string): PathEntry {
  return { path, status: lstatSync(path, { bigint: true }) };
}

/** Why somebody else decides what is at `path`, by a folder or link on the way to it; undefined if nobody can. */
export function whyWayDistrusted(path: string): FdpassError | undefined {
  return whyEntriesDistrusted(path, entriesOnWayTo(path).slice(0, -1));
}

/** The same for entries that have been looked at. */
export function whyEntriesDistrusted(path: string, entries: readonly PathEntry[]): FdpassError | undefined {
  for (const { path: entry, status } of entries) {
    const distrust = whyDistrusted(entry, statusOf(status), process.getuid?.());
    if (distrust === undefined) continue;
    return new FdpassError('config', `${distrust.message}, so ${path} cannot be trusted`, { hint: distrust.hint });
  }
  return undefined;
}

/** What a status says about trust. */
export function statusOf({ uid, gid, mode }: BigIntStats): FileStatus {
  return { uid: Number(uid), gid: Number(gid), mode: Number(mode) };
}

/** Why the user `uid` must not trust a file, folder or link with this status; undefined if they can. */
export function whyDistrusted(
  path: string,
  status: FileStatus,
  uid: number | undefined,
  options: TrustOptions = {},
): FdpassError | undefined {
  if (uid === undefined) return undefined; // no owners and modes on this system
  const type = status.mode & TYPE;
  if (status.uid !== 0 && status.uid !== uid) {
    const message = `${path} belongs to the user with uid ${status.uid}, neither to you nor to root`;
    const isOnTheWay = type === FOLDER || type === LINK;
    const hint = isOnTheWay ? 'use a file in a folder of your own' : `make it yours: chown ${uid} ${quote(path)}`;
    return new FdpassError('config', message, { hint });
  }
  if (type === LINK) return undefined; // the mode of a link means nothing
  const isSticky = type === FOLDER && (status.mode & STICKY) !== 0;
  const writers = isSticky ? undefined : whoElse(status.mode, 0o020, 0o002, () => isPrivateGroup(status.gid, uid));
  if (writers !== undefined) return tooOpen(path, status, `can be written by ${writers}`, `chmod go-w ${quote(path)}`);
  const readers = options.secret === true ? whoElse(status.mode, 0o070, 0o007) : undefined;
  if (readers !== undefined)
    return tooOpen(path, status, `holds a secret and is open to ${readers}`, `chmod go= ${quote(path)}`);
  return undefined;
}

function whoElse(mode: number, groupBits: number, otherBits: number, isGroupOurs = () => false): string | undefined {
  const isOpenToGroup = (mode & groupBits) !== 0 && !isGroupOurs();
  const who = [isOpenToGroup && 'its group', (mode & otherBits) !== 0 && 'everybody'].filter(Boolean);
  return who.length === 0 ? undefined : who.join(' and ');
}

function tooOpen(path: string, status: FileStatus, what: string, fix: string): FdpassError {
  const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
  return new FdpassError('config', `${path} ${what} (mode ${mode})`, { hint: `run: ${fix}` });
}

/**
 * Whether nobody but the user is in the group, as on systems that give every user a group and a umask of 002. Debian's ssh
 * makes the same allowance (user-group-modes.patch). Like there, only accounts that are listed count.
 */
function isPrivateGroup(gid: number, uid: number): boolean {
  try {
    return isOnlyMember(uid, gid, readFileSync('/etc/passwd', 'utf8'), readFileSync('/etc/group', 'utf8'));
  } catch {
    return false;
  }
}

/** Whether the user is the one member of a group, in the words of passwd(5) and group(5). Root's group is nobody's own. */
export function isOnlyMember(uid: number, gid: number, passwd: string, group: string): boolean {
  if (gid === 0) return false;
  const users = passwd.split('\n').map((line) => line.split(':'));
  const groups = group.split('\n').map((line) => line.split(':'));
  const ofGroup = groups.filter(([, , id]) => id === String(gid));
  const byPrimary = users.filter(([, , , id]) => id === String(gid)).map(([name]) => name);
  const byName = ofGroup.flatMap(([, , , names = '']) => names.split(',')).filter((name) => name !== '');
  const members = new Set([...byPrimary, ...byName]);
  const ours = new Set(users.filter(([, , id]) => id === String(uid)).map(([name]) => name));
  return ofGroup.length > 0 && members.size > 0 && [...members].every((name) => ours.has(name));
}
