import { realpathSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder } from '@fdpass/core/host';
import { isTried } from './node-version.js';
import { cacheFolder } from './user-folder.js';

/*
 * Node refuses options that it does not know, and V8's come and go. So a node that has been tried with `QUICK_START` leaves two
 * empty files, one of them a second older than its program and one a second newer. The launcher, a shell script that can compare
 * times but not read them, passes the option to a program whose time is between the two. An upgrade changes that time.
 *
 * A bundle of its own: starts that have the option do not need it.
 */

/** Some package managers (Nix, Guix) give every file a time of about 0, which says nothing of its version. */
const OLDEST = 24 * 60 * 60;

/** The node that runs this. */
interface OwnNode {
  /** What it was started as: a path, if the launcher has started it. */
  readonly program: string;
  /** Its program, without links. */
  readonly execPath: string;
  readonly version: string;
}

const OWN_NODE: OwnNode = { program: process.argv0, execPath: process.execPath, version: process.versions.node };

/** Notes that the launcher can pass `QUICK_START` to a node. Fails silently, for without it a start only takes longer. */
export function noteNode({ program, execPath, version }: OwnNode = OWN_NODE): void {
  const cache = cacheFolder();
  if (cache === undefined || !isTried(version) || !program.startsWith('/')) return;
  try {
    if (realpathSync.native(program) !== execPath) return; // it chooses a node by the current directory, for instance
    const second = Math.floor(statSync(program).mtimeMs / 1000);
    if (second < OLDEST) return;
    leaveMark(`${cache}/known-nodes${program}.older`, second - 1);
    leaveMark(`${cache}/known-nodes${program}.newer`, second + 1);
  } catch {
    // for instance a full disk
  }
}

function leaveMark(file: string, time: number): void {
  if (statSync(file, { throwIfNoEntry: false })?.mtimeMs === time * 1000) return;
  if (!makePrivateFolder(dirname(file))) return;
  writeFileSync(file, '', { mode: 0o600 });
  utimesSync(file, time, time);
}
