// Installs the dependencies with the pnpm that package.json pins, through npx: nothing global is needed or touched.
// Does nothing if the installed packages match the lockfile.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const STAMP = 'node_modules/.cache/fdpass-setup';

const { packageManager } = readJson('package.json');
const wanted = createHash('sha256')
  .update(['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((file) => readFileSync(file, 'utf8')).join('\0'))
  .digest('hex');

if (!isUpToDate()) {
  console.log(`setup: installing dependencies with ${packageManager}`);
  install();
  mkdirSync('node_modules/.cache', { recursive: true });
  writeFileSync(STAMP, wanted);
}

function isUpToDate() {
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wanted) return false;
  return existsSync('node_modules/.modules.yaml') && packages().every(isLinked);
}

/** Each package with dependencies has links to them in a folder of its own. */
function isLinked(folder) {
  const { dependencies = {}, devDependencies = {} } = readJson(join(folder, 'package.json'));
  return Object.keys({ ...dependencies, ...devDependencies }).every((name) =>
    existsSync(join(folder, 'node_modules', name)),
  );
}

function packages() {
  return readdirSync('packages')
    .map((name) => join('packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')));
}

function install() {
  const { status, stdout, stderr, error } = runPnpm(); // which tries again by itself
  if (status === 0) return;
  const output = `${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`;
  console.error(output.slice(-4000));
  console.error(`setup: the dependencies could not be installed; ${hint(output)}`);
  process.exit(1);
}

function runPnpm() {
  const args = ['--yes', packageManager, 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only'];
  return spawnSync('npx', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    // Without a terminal pnpm would stop to ask before it replaces a node_modules that another tool made.
    env: { ...process.env, CI: 'true', npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' },
    timeout: 15 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

function hint(output) {
  if (/OUTDATED_LOCKFILE/.test(output))
    return `package.json and pnpm-lock.yaml disagree: run npx ${packageManager} install --no-frozen-lockfile`;
  if (/npx ENOENT/.test(output)) return 'install npm, which includes npx';
  return 'check that the npm registry is reachable';
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
