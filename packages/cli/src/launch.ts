import { basename, join } from 'node:path';
import { BundleLoader, type Require } from './bundle-loader.js';
import { setCodeKeeper } from './code-keeper.js';
import { makeCodeFolder } from './user-folder.js';

/**
 * Starts the bundled command that `file` is named after. Its compiled code is kept in a folder of the user's own: in a shared
 * one, such as Node's default under /tmp, another user could leave code for us.
 *
 * @param file The command's own file, `bin/NAME.cjs`.
 * @param ask That file's `require`.
 * @throws A system error if the bundles are not there or cannot be read.
 */
export function launch(file: string, ask: Require): void {
  const name = basename(file, '.cjs');
  const { versions, execPath } = process;
  if (isTooOld(versions.node)) {
    const fix = 'put a newer one first in PATH';
    process.stderr.write(
      `${name}: [config] ${execPath} is Node ${versions.node}, and ${name} needs 20.19 or later; ${fix}\n`,
    );
    process.exit(78);
  }
  const bundles = new BundleLoader(join(file, '../../bundle'), codeFolder(), ask);
  setCodeKeeper(bundles.keep);
  bundles.load(`./${name}.cjs`);
}

/** Debian's node in /usr/bin can be older than the one that fdpass was installed with. */
function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

/** Where compiled code is kept. Undefined if no such folder can be had, which only costs time. */
function codeFolder(): string | undefined {
  if (process.execArgv.length > 0 || process.env['NODE_OPTIONS']) return undefined; // they can change what V8 compiles
  return makeCodeFolder();
}
