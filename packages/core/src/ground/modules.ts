import { dirname, isAbsolute, join } from 'node:path';
import { FdpassError } from './errors.js';
import { expandPath } from './files.js';
import { prepareToLoad } from './loading.js';

/**
 * Where a module or a file of a package is, as seen from `from`: a path, or a package in a `node_modules` folder beside or
 * above that file, or in a folder of NODE_PATH. Everything that fdpass runs or reads by the name of a package comes from here,
 * so none of it can be in the current directory. A package can have the name of a module of Node, as npm's `events` has.
 *
 * @param from The absolute path of the file that names it; it need not exist.
 * @returns An absolute path, or undefined if there is no such module.
 * @throws FdpassError `config` if NODE_PATH has a relative folder; as {@link expandPath} does.
 */
export function resolveModule(specifier: string, from: string): string | undefined {
  const folder = isAbsolute(from) ? dirname(from) : ''; // '' as in expandPath: the current directory has been deleted
  if (isPath(specifier)) return tryResolve(expandPath(specifier, folder));
  if (folder === '') return undefined;
  const folders = packageFolders(from);
  const answer = tryResolve(specifier, from);
  if (answer === undefined || isAbsolute(answer)) return answer;
  // It is the bare name of a module of Node, which for Node comes before every package.
  return folders.map((packages) => tryResolve(join(packages, specifier))).find((path) => path !== undefined);
}

/** Whether a specifier is a path and not the name of a package: `./vpn.mjs`, `/etc/team`, `~/team`. */
export function isPath(specifier: string): boolean {
  return /^(\.{0,2}\/|~\/|\.\.?$)/.test(specifier);
}

/** The folders that packages are looked for in. A relative one of NODE_PATH starts at the current directory. */
function packageFolders(from: string): readonly string[] {
  const { createRequire } = process.getBuiltinModule('node:module');
  const folders = createRequire(from).resolve.paths('any-package') ?? [];
  const relative = folders.find((folder) => !isAbsolute(folder));
  if (relative === undefined) return folders;
  throw new FdpassError('config', `NODE_PATH has the relative folder ${JSON.stringify(relative)}`, {
    hint: 'write an absolute path',
  });
}

function tryResolve(specifier: string, from = '/'): string | undefined {
  prepareToLoad();
  try {
    return process.getBuiltinModule('node:module').createRequire(from).resolve(specifier);
  } catch {
    return undefined;
  }
}
