// Packs every published package as `pnpm publish` would: `workspace:*` becomes the real version, and the licence is the
// workspace's. Build first. From the command line: node scripts/pack.mjs [FOLDER]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const PACKED = join(ROOT, 'node_modules/.cache/fdpass-packed');

/** The manifests of the packages that are published, by the folder they are in. */
export function publishedPackages() {
  const folders = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name));
  return new Map(folders.map((folder) => [folder, manifestOf(folder)]).filter(([, { private: hidden }]) => !hidden));
}

/** Packs them into `folder` and removes older tarballs there. Resolves to a tarball for each package's name. */
export async function packAll(folder = PACKED) {
  const place = resolve(folder);
  mkdirSync(place, { recursive: true });
  for (const file of readdirSync(place)) if (file.endsWith('.tgz')) rmSync(join(place, file));
  const packed = new Map(runPnpm(place).map(({ name, filename }) => [name, resolve(place, filename)]));
  return new Map([...publishedPackages().values()].map(({ name }) => [name, tarballOf(packed, name)]));
}

function tarballOf(packed, name) {
  const tarball = packed.get(name);
  if (tarball === undefined) throw new Error(`${name} was not packed`);
  return tarball;
}

function runPnpm(place) {
  const { packageManager } = manifestOf(ROOT);
  const words = ['--yes', packageManager, '--recursive', '--filter', './packages/*', 'pack', '--json'];
  const { status, stdout, stderr, error } = spawnSync('npx', [...words, '--pack-destination', place], {
    cwd: ROOT,
    encoding: 'utf8',
    // The set-up has already fetched pnpm, so npx does not ask the registry again.
    env: { ...process.env, npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' },
    timeout: 2 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`pnpm pack failed: ${error?.message ?? `${stdout}${stderr}`}`);
  return [JSON.parse(stdout)].flat();
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Without them ssh would ask the agent for everybody who installs the package. */
function requireClients() {
  const missing = ['x64', 'arm64'].filter((arch) => !existsSync(join(ROOT, `packages/cli/bundle/ask-agent-${arch}`)));
  if (missing.length === 0) return;
  console.error(
    `pack: the agent's client is not there for ${missing.join(' and ')}: install the C compilers and build again`,
  );
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireClients();
  for (const [name, tarball] of await packAll(process.argv[2])) console.log(`${name} ${tarball}`);
}
