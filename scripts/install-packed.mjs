// Installs the packed packages as their users do, in an empty folder outside the workspace: all of them as dependencies
// of a project, and the commands globally under a prefix. The result is cached by the contents of the tarballs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packAll } from './pack.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache');
const PREFIX = 'fdpass-installed-';

/** What our declarations refer to and a project in TypeScript has anyway, and what the examples use. */
const TYPES = ['@types/node', '@types/mocha', 'mocha', 'typescript', 'undici', 'ws'];

/**
 * A new folder outside the workspace, which the caller removes. `project` depends on every package. `global` has the commands
 * as `npm install --global --prefix` installs them. Neither finds the packages of the other. No install script has run.
 */
export async function installPacked() {
  const tarballs = await packAll();
  const cached = join(CACHE, `${PREFIX}${fingerprint(tarballs)}`);
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-packed-'));
  try {
    if (!existsSync(cached)) cache(installInto(folder, tarballs), cached);
    else copy(cached, folder);
    chmodSync(folder, 0o755);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function fingerprint(tarballs) {
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, types()]));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  for (const tarball of tarballs.values()) hash.update(readFileSync(tarball));
  return hash.digest('hex').slice(0, 16);
}

function installInto(folder, tarballs) {
  const project = join(folder, 'project');
  mkdirSync(project);
  for (const tarball of tarballs.values()) copyFileSync(tarball, join(project, basename(tarball)));
  const files = [...tarballs].map(([name, tarball]) => [name, `file:${basename(tarball)}`]);
  const manifest = { private: true, type: 'module', dependencies: Object.fromEntries(files), devDependencies: types() };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  npmInstall(project, '--prefix', project);
  npmInstall(project, '--global', '--prefix', join(folder, 'global'), ...commandAndNeeds(project, tarballs));
  return folder;
}

/** The commands' package and those of ours that it depends on, since the registry may not have them yet. */
function commandAndNeeds(project, tarballs) {
  const { dependencies } = readJson(join(project, 'node_modules/fdpass'));
  const names = ['fdpass', ...Object.keys(dependencies)].filter((name) => tarballs.has(name));
  return names.map((name) => join(project, basename(tarballs.get(name))));
}

function types() {
  const { devDependencies } = readJson(ROOT);
  return Object.fromEntries(TYPES.map((name) => [name, devDependencies[name]]));
}

function npmInstall(folder, ...words) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const { status, stdout, stderr, error } = spawnSync('npm', ['install', ...quiet, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: withoutNpmSettings(process.env),
    timeout: 3 * 60_000,
  });
  if (status !== 0) throw new Error(`npm install failed: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** A script that npm runs has the workspace's folders in its environment, and npm would take them as settings. */
function withoutNpmSettings(env) {
  const isFolder = (name) => /^npm_config_(local_prefix|prefix|global_prefix|workspaces?|dir)$/i.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isFolder(name)));
}

/** Two runs can be here at once: the first to rename wins. */
function cache(folder, cached) {
  const copied = mkdtempSync(join(CACHE, 'fdpass-installing-'));
  try {
    copy(folder, copied);
    for (const old of readdirSync(CACHE)) if (old.startsWith(PREFIX)) rmSync(join(CACHE, old), { recursive: true });
    renameSync(copied, cached);
  } catch (error) {
    rmSync(copied, { recursive: true, force: true });
    if (!existsSync(cached)) throw error;
  }
}

function readJson(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function copy(from, to) {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}
