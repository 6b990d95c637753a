import { lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadBundles, type Require } from './bundle-loader.js';
import { type LoadedScript, leaveLoadedScripts } from './kept-code.js';
import { isTooOld } from './node-version.js';
import { noteStart } from './quick-start.js';
import { cacheFolder } from './user-folder.js';

/**
 * Starts the bundled command that `file` is named after. Its compiled code is kept in a folder of the user's own: in a shared
 * one, such as Node's default under /tmp, another user could leave code for us.
 *
 * None of this file is kept compiled, so every line in it costs each start some 5 µs. Code that most starts do not need is in
 * the bundles.
 *
 * @param file The command's own file, `bin/NAME.cjs`.
 * @param ask That file's `require`.
 * @throws A system error if the bundles are not there or cannot be read.
 */
export function launch(file: string, ask: Require): void {
  const name = basename(file, '.cjs');
  const { versions, execPath } = process;
  // Debian's node in /usr/bin can be older than the one that fdpass was installed with.
  if (isTooOld(versions.node)) {
    const fix = 'put a newer one first in PATH';
    process.stderr.write(
      `${name}: [config] ${execPath} is Node ${versions.node}, and ${name} needs 20.19 or later; ${fix}\n`,
    );
    process.exit(78);
  }
  const folder = `${dirname(dirname(file))}/bundle`;
  const scripts: LoadedScript[] = [];
  leaveLoadedScripts(scripts);
  const { isQuick } = noteStart();
  loadBundles({ folder, codeFolder: codeFolder(folder, ask), isQuick, ask, scripts })(`./${name}.cjs`);
}

/** The folder for compiled code. Undefined if there can be none, which only costs time. */
function codeFolder(bundles: string, ask: Require): string | undefined {
  if (process.execArgv.length > 0 || process.env['NODE_OPTIONS']) return undefined; // they can change what V8 compiles
  const folder = cacheFolder();
  if (folder === undefined || isPlainlyPrivate(folder)) return folder;
  return (ask(`${bundles}/code-folder.cjs`) as typeof import('./code-folder.js')).makeCodeFolder();
}

const TYPE = 0o170000;
const FOLDER = 0o040000;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Whether a folder exists and nobody else can write in it or in one above it. Says no to links, groups and other rare cases:
 * `makePrivateFolder` decides those, which takes longer to load than to run.
 */
function isPlainlyPrivate(folder: string): boolean {
  const user = process.geteuid?.();
  try {
    for (let path = folder, isOurs = true; ; path = dirname(path), isOurs = false) {
      const { mode, uid } = lstatSync(path);
      if ((mode & TYPE) !== FOLDER) return false;
      if (uid !== user && (isOurs || uid !== 0)) return false;
      if ((mode & OTHERS_MAY_WRITE) !== 0 && (isOurs || (mode & STICKY) === 0)) return false;
      if (path === '/') return true;
    }
  } catch {
    return false; // it is missing
  }
}
