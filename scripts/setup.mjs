// Installs the dependencies with the pnpm that package.json pins, through npx: nothing global is needed or touched.
// Quick when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const STAMP = 'node_modules/.cache/fdpass-setup';

const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
const wanted = createHash('sha256')
  .update(['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((file) => readFileSync(file, 'utf8')).join('\0'))
  .update(process.versions.modules)
  .digest('hex');

if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) process.exit(0);

console.log(`setup: installing dependencies with ${packageManager}`);
const { status, error } = spawnSync(
  'npx',
  ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'],
  {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    // Without a terminal pnpm would stop to ask before it replaces a node_modules that another tool made.
    env: { ...process.env, CI: 'true', npm_config_loglevel: 'error' },
    timeout: 15 * 60_000,
  },
);
if (error || status !== 0) explain(error);
mkdirSync('node_modules/.cache', { recursive: true });
writeFileSync(STAMP, wanted);

function explain(cause) {
  const again = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CI: 'true' },
    timeout: 15 * 60_000,
  });
  if (again.status === 0) return;
  console.error(
    `setup: the dependencies could not be installed${cause ? ` (${cause.message})` : ''}; is the npm registry reachable?`,
  );
  process.exit(1);
}
