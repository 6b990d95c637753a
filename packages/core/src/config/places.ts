import { lstatSync, type Stats, statSync } from 'node:fs';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { FdpassError } from '../ground/errors.js';
import { currentFolder, expandPath, homeFolder, pathFromVariable } from '../ground/files.js';
import { isPath } from '../ground/modules.js';
import { errnoName, reasonOf } from '../ground/system-error.js';

/** Where the config is looked for. */
export interface LoadOptions {
  /** This file and no other (`--config`). */
  readonly file?: string | undefined;
  /** The config itself, given in code instead of a file: `defaults`, `hops`, `rules`, `plugins`, `extends`. */
  readonly content?: unknown;
  /** The folder that relative paths in `content` start from. Default: the current directory. */
  readonly baseDir?: string | undefined;
  /** Default `process.env`. Read: FDPASS_CONFIG, XDG_CONFIG_HOME, HOME. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The user's home folder. Default: HOME, else what the system says. */
  readonly home?: string | undefined;
  /** Default `/etc/fdpass`. */
  readonly systemDir?: string | undefined;
  /** For programs that embed fdpass: their own folder, and nothing else. Never set it to the current directory. */
  readonly searchFrom?: string | undefined;
  /** Searches the folders above `searchFrom` too, up to the first that has a `package.json`. Default false. */
  readonly searchUp?: boolean | undefined;
}

/** Where cached configs are. */
export interface ConfigCache {
  /** A folder of the user's own; one that is not is not used. */
  readonly folder: string;
  /** Of the program: what another version has cached is not used. */
  readonly version: string;
}

/** File names in the user's and the system's config folder; the first that exists is the config. */
export const CONFIG_FOLDER_NAMES: readonly string[] = [
  'config.yaml',
  'config.yml',
  'config.json',
  'config',
  'fdpass.yaml',
  'fdpass.yml',
  'fdpass.json',
];

/** A program can have its config in here, under the key `fdpass`. */
export const PACKAGE_FILE = 'package.json';

/** File names in the folder of an embedding program, which can have a `config.yaml` of its own. */
export const PROGRAM_FOLDER_NAMES: readonly string[] = [
  'fdpass.yaml',
  'fdpass.yml',
  'fdpass.json',
  '.fdpassrc',
  '.fdpassrc.yaml',
  '.fdpassrc.yml',
  '.fdpassrc.json',
  PACKAGE_FILE,
];

/** The folders that are searched where no file is named: the user's, then the system's. */
export function configFolders(options: LoadOptions): readonly string[] {
  const env = options.env ?? process.env;
  const user = userFolder(options, env);
  return [...(user === undefined ? [] : [user]), resolve(options.systemDir ?? '/etc/fdpass')];
}

/**
 * The config file that counts, without reading it: the one named by hand, else by FDPASS_CONFIG, else the first in the
 * user's folder, else in the system's. Undefined where there is none, or where it is not looked for on disk like this.
 *
 * @throws FdpassError `config` if it cannot be told.
 */
export function configPath(options: LoadOptions): string | undefined {
  const env = options.env ?? process.env;
  if (options.content !== undefined) return undefined;
  if (options.file !== undefined) return expandPath(options.file, currentFolder(), options.home ?? env['HOME']);
  if (options.searchFrom !== undefined) return undefined;
  if (env['FDPASS_CONFIG']) return pathFromVariable('FDPASS_CONFIG', env['FDPASS_CONFIG'], options.home ?? env['HOME']);
  for (const folder of configFolders(options)) {
    const file = findIn(folder, CONFIG_FOLDER_NAMES);
    if (file !== undefined) return file;
  }
  return undefined;
}

/**
 * Whether there is anything to load, a wrong file included. Cheap: no file is read.
 *
 * @param path The result of {@link configPath}.
 * @throws FdpassError `config` if it cannot be told.
 */
export function hasConfig(options: LoadOptions, path: string | undefined = configPath(options)): boolean {
  return path !== undefined || options.content !== undefined || options.searchFrom !== undefined;
}

/**
 * The first of `names` that exists in `folder`, as a path.
 *
 * @throws FdpassError `config` if that cannot be told, or if `folder` is something else.
 */
export function findIn(folder: string, names: readonly string[]): string | undefined {
  const entry = entryAt(folder);
  if (entry === undefined) return undefined;
  if (!entry.isDirectory() && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new FdpassError('config', `${folder} is not a folder`, {
      hint: `move the configuration to ${join(folder, String(names[0]))}`,
    });
  return names.map((name) => join(folder, name)).find(exists);
}

/**
 * XDG Base Directory Specification 0.8: a relative XDG_CONFIG_HOME is invalid and ignored. Undefined without a home folder,
 * as services can be started: HOME is then empty.
 */
function userFolder(options: LoadOptions, env: NodeJS.ProcessEnv): string | undefined {
  const configHome = env['XDG_CONFIG_HOME'];
  if (configHome && isAbsolute(configHome)) return join(configHome, 'fdpass');
  const home = options.home ?? env['HOME'];
  return home === '' ? undefined : join(homeFolder(home), '.config/fdpass');
}

/** Whether there is anything at `path`, a link to nowhere included. @throws FdpassError `config` if that cannot be told. */
export function exists(path: string): boolean {
  return entryAt(path) !== undefined;
}

/** A folder on the way that is a file, as where HOME is /dev/null, means that there is nothing. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoName(error) === 'ENOTDIR') return undefined;
    throw new FdpassError('config', `${path}: ${reasonOf(error)}`, {
      hint: 'correct that: it can hold the rules, and fdpass does not connect without them',
      cause: error,
    });
  }
}

/** The extensions of the formats that a config can have. */
export const DATA_EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];

/** Whether a specifier names a file: `./team.yaml`, `/etc/team`, `~/team`, `team.yaml`; but `@acme/config/team.yaml` is a file of a package. */
export function isFileSpecifier(specifier: string): boolean {
  return isPath(specifier) || (!specifier.startsWith('@') && DATA_EXTENSIONS.includes(extname(specifier)));
}
