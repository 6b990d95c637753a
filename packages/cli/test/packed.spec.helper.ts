import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Finished, type RunOptions, run } from '@fdpass/test-lab';
import { NO_CONFIG } from './commands.spec.helper.js';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

/** What the tests ask of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly man?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The published packages' manifests by their folders in the workspace. */
export async function publishedPackages(): Promise<ReadonlyMap<string, Manifest>> {
  const script = await scriptOf<{ publishedPackages(): Map<string, Manifest> }>('pack.mjs');
  return script.publishedPackages();
}

/** Packs every package: a tarball for each name. */
export async function packAll(folder: string): Promise<ReadonlyMap<string, string>> {
  const script = await scriptOf<{ packAll(folder: string): Promise<Map<string, string>> }>('pack.mjs');
  return script.packAll(folder);
}

/** A folder outside the workspace, the caller's to remove: `project` depends on every package, `global` has the commands. */
export async function installPacked(): Promise<string> {
  const script = await scriptOf<{ installPacked(): Promise<string> }>('install-packed.mjs');
  return script.installPacked();
}

/** The workspace's scripts do not belong to any package, so their place is only known at run time. */
async function scriptOf<T>(name: string): Promise<T> {
  return (await import(new URL(`../../../scripts/${name}`, import.meta.url).href)) as T;
}

/** Every file below a folder, sorted, by its path from there. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Runs a program as somebody does who has the commands of `installed` in the PATH, with this Node. */
export function runInstalled(installed: string, words: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [command = '', ...args] = words;
  return run(command, args, {
    cwd: join(installed, 'project'),
    ...options,
    env: { ...installedEnv(installed), ...options.env },
  });
}

export function installedEnv(installed: string): NodeJS.ProcessEnv {
  const places = [join(installed, 'global/bin'), dirname(process.execPath), process.env['PATH'] ?? ''];
  // The commands must not see what mocha was started with.
  return { ...NO_CONFIG, PATH: places.join(delimiter), NODE_OPTIONS: '', XDG_CACHE_HOME: join(installed, 'cache') };
}
