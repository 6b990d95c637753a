import { readdirSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { CONFIG_FOLDER_NAMES, configFolders, configPath, exists, type LoadOptions } from './places.js';

/*
 * For the person who has written a config that fdpass does not find: where it looks, and what it passes over.
 */

/** Where a config is looked for, and files that seem to be one and are not read. */
export interface ConfigSearch {
  /** The folders, in the order in which they are searched; empty if a file is named by hand. */
  readonly folders: readonly string[];
  /** The names that a config can have in them. */
  readonly names: readonly string[];
  /** Absolute paths. */
  readonly unread: readonly string[];
}

/** Looks at names only, and never in the current directory. What cannot be looked at has nothing in it. */
export function inspectSearch(options: LoadOptions = {}): ConfigSearch {
  const env = options.env ?? process.env;
  if (options.file !== undefined || env['FDPASS_CONFIG'])
    return { folders: [], names: CONFIG_FOLDER_NAMES, unread: [] };
  const folders = configFolders(options);
  const read = configPath(options);
  const likely = [
    ...folders.flatMap(likelyIn),
    ...folders.flatMap(besideFolder),
    ...inHome(options.home ?? env['HOME']),
  ];
  return { folders, names: CONFIG_FOLDER_NAMES, unread: [...new Set(likely)].filter((path) => path !== read) };
}

/** Extensions that people give a config, and those of copies that were put aside. */
const CONFIG_EXTENSION = /\.(?:ya?ml|json[5c]?|toml|ini|conf|cfg|[cm]?[jt]s|bak|old|orig|disabled|dpkg-\w+)$|~$/i;

/** Configs by their name. Plugins and passwords can be in the same folder. */
function likelyIn(folder: string): string[] {
  const isLikely = (name: string): boolean =>
    CONFIG_FOLDER_NAMES.includes(name) || (/^\.?(?:config|fdpass)/i.test(name) && CONFIG_EXTENSION.test(name));
  return namesIn(folder)
    .filter(isLikely)
    .sort()
    .map((name) => join(folder, name));
}

/** `~/.config/fdpass.yaml` in place of `~/.config/fdpass/fdpass.yaml`. */
function besideFolder(folder: string): string[] {
  const above = join(folder, '..');
  const isLikely = (name: string): boolean => name.startsWith(`${basename(folder)}.`) && CONFIG_EXTENSION.test(name);
  return namesIn(above)
    .filter(isLikely)
    .sort()
    .map((name) => join(above, name));
}

/** Where other programs would look, and where we would without XDG_CONFIG_HOME. */
function inHome(home: string | undefined): string[] {
  if (home === undefined || !isAbsolute(home)) return [];
  const names = ['.fdpassrc', '.fdpass.yaml', '.fdpass.yml', '.fdpass.json', '.fdpass.toml'];
  const folders = ['.fdpass', '.config/fdpass'].map((name) => join(home, name));
  return [...names.map((name) => join(home, name)).filter(isThere), ...folders.flatMap(likelyIn)];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isThere(path: string): boolean {
  try {
    return exists(path);
  } catch {
    return false;
  }
}
