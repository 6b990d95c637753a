import { lstatSync } from 'node:fs';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { FdpassError } from '../ground/errors.js';
import { currentFolder, expandPath, homeFolder } from '../ground/files.js';
import { reasonOf } from '../ground/system-error.js';

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
function configFolders(options: LoadOptions): readonly string[] {
  const env = options.env ?? process.env;
  return [userFolder(options, env), resolve(options.systemDir ?? '/etc/fdpass')];
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
  if (options.file !== undefined) return expandPath(options.file, currentFolder(), homeOf(options, env));
  if (options.searchFrom !== undefined) return undefined;
  if (env['FDPASS_CONFIG']) return namedByVariable(env['FDPASS_CONFIG'], options, env);
  for (const folder of configFolders(options)) {
    const file = findIn(folder, CONFIG_FOLDER_NAMES);
    if (file !== undefined) return file;
  }
  return undefined;
}

function namedByVariable(value: string, options: LoadOptions, env: NodeJS.ProcessEnv): string {
  if (isAbsolute(value) || value.startsWith('~/')) return expandPath(value, '/', homeOf(options, env));
  // Relative to the current directory it would name a stranger's file in a stranger's clone.
  const message = `FDPASS_CONFIG names ${JSON.stringify(value)}, which depends on the current directory`;
  throw new FdpassError('config', message, { hint: 'write an absolute path' });
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

/** The first of `names` that exists in `folder`, as a path. @throws FdpassError `config` if that cannot be told. */
export function findIn(folder: string, names: readonly string[]): string | undefined {
  if (!exists(folder)) return undefined;
  return names.map((name) => join(folder, name)).find(exists);
}

function homeOf(options: LoadOptions, env: NodeJS.ProcessEnv): string | undefined {
  return options.home ?? (env['HOME'] || undefined);
}

/** XDG Base Directory Specification 0.8: a relative XDG_CONFIG_HOME is invalid and ignored. */
function userFolder(options: LoadOptions, env: NodeJS.ProcessEnv): string {
  const configHome = env['XDG_CONFIG_HOME'];
  return join(
    configHome && isAbsolute(configHome) ? configHome : join(homeFolder(homeOf(options, env)), '.config'),
    'fdpass',
  );
}

/** Whether there is anything at `path`, a link to nowhere included. @throws FdpassError `config` if that cannot be told. */
export function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new FdpassError('config', `${path}: ${reasonOf(error)}`, {
      hint: 'fdpass does not connect without it, since it can hold the rules',
      cause: error,
    });
  }
}

/** The extensions of the formats that a config can have. */
export const DATA_EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];

/** Whether a specifier names a file: `./team.yaml`, `/etc/team`, `~/team`, `team.yaml`; but `@acme/config/team.yaml` is a file of a package. */
export function isFileSpecifier(specifier: string): boolean {
  return (
    /^(\.{0,2}\/|~\/|\.\.?$)/.test(specifier) ||
    (!specifier.startsWith('@') && DATA_EXTENSIONS.includes(extname(specifier)))
  );
}
