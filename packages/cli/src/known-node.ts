import { realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder, replaceFile } from '@fdpass/core/host';
import { isTried } from './node-version.js';
import type { StartKind } from './quick-start.js';
import { cacheFolder } from './user-folder.js';

/*
 * Which node the launcher can start quickly (quick-start.ts). Node refuses options that it does not know, and V8's come and go. So a
 * node of a version that fdpass was tried with leaves two empty files, one of them a second older than its program and one a
 * second newer. The launcher, a shell script that can compare times but not read them, passes the option to a program whose time
 * is between the two. An upgrade changes that time.
 *
 * A bundle of its own: most starts do not need it.
 */

const DAY_MS = 24 * 60 * 60_000;

/** Node 20. Some package managers give every file one time, such as 1970 (Nix) or 1985 (npm), which says nothing of its version. */
const OLDEST = Date.UTC(2023, 3, 18) / 1000;

/** So long after a connection that takes longer with the option, none has it. */
const HEAVY_MS = 7 * DAY_MS;

/** The node that runs this. */
interface OwnNode {
  /** What it was started as: a path, if the launcher has started it. */
  readonly program: string;
  /** Its program, without links. */
  readonly execPath: string;
  readonly version: string;
}

/**
 * Notes whether the launcher is to start this node quickly. Fails silently, for it is a matter of milliseconds.
 *
 * @param kind What this start was like. `reading` takes the option away, so it is only for starts that had it.
 */
export function noteNode(kind: StartKind, own: Partial<OwnNode> = {}): void {
  const { program = process.argv0, execPath = process.execPath, version = process.versions.node } = own;
  const cache = cacheFolder();
  if (cache === undefined || !isTried(version) || !program.startsWith('/')) return;
  const mark = `${cache}/known-nodes${program}`;
  try {
    if (kind !== 'plain') for (const end of ['older', 'newer']) rmSync(`${mark}.${end}`, { force: true });
    if (kind === 'heavy') noteHeavy(mark);
    if (kind === 'plain' && isOwnProgram(program, execPath) && !isYoung(`${mark}.heavy`, HEAVY_MS))
      notePlain(program, mark);
  } catch {
    // for instance a full disk
  }
}

/**
 * Not a program that chooses a node by the current directory, as those of version managers do. Not one in a folder for each
 * shell (fnm) either, which is a link: there would be marks for each.
 */
function isOwnProgram(program: string, execPath: string): boolean {
  const folder = dirname(program);
  return realpathSync.native(program) === execPath && realpathSync.native(folder) === folder;
}

function notePlain(program: string, mark: string): void {
  const second = Math.floor(statSync(program).mtimeMs / 1000);
  if (second < OLDEST) return;
  leave(`${mark}.older`, second - 1);
  leave(`${mark}.newer`, second + 1);
}

function noteHeavy(mark: string): void {
  if (!isYoung(`${mark}.heavy`, DAY_MS)) leave(`${mark}.heavy`, Date.now() / 1000);
}

/** Whether a file is there and was left less than so long ago. */
function isYoung(file: string, limitMs: number): boolean {
  const status = statSync(file, { throwIfNoEntry: false });
  return status !== undefined && Date.now() - status.mtimeMs < limitMs;
}

/** Leaves an empty file with a time. */
function leave(file: string, seconds: number): void {
  if (statSync(file, { throwIfNoEntry: false })?.mtimeMs === seconds * 1000) return;
  if (makePrivateFolder(dirname(file))) replaceFile(file, '', 0o600, seconds);
}
