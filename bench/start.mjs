// Cold start: a whole `bin/fdpass localhost PORT` with descriptor passing, as ssh runs it, compared with a bare start of the same
// Node and with `nc -F`, interleaved, with and without a configuration.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { nodeFolder, withNode } from '../scripts/node-versions.mjs';
import { formatTimes, interleave } from './measure.mjs';

const RUNS = Number(process.env.RUNS ?? 60);
const VERSIONS = [undefined, 22, 24, 26];
const FDPASS = resolve('bin/fdpass');

if (process.argv[2] === 'serve') serve();
else await main();

async function main() {
  const port = await startServer();
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-bench-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    'rules:\n  - { host: "*.corp.example", use: direct }\n  - { host: "*", use: happy-eyeballs }\n',
    { mode: 0o600 },
  );
  // A config that was just written is not cached, and a user's config is older.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  for (const version of VERSIONS) {
    const node = version === undefined ? process.execPath : join(nodeFolder(version) ?? '', 'node');
    const commands = {
      bare: [node, '-e', '0'],
      fdpass: [FDPASS, 'localhost', port],
      literal: [FDPASS, '127.0.0.1', port],
      config: [FDPASS, '--config', config, 'localhost', port],
      nc: ['nc', '-F', 'localhost', port],
    };
    // A cache of its own: what this user's other connections have needed decides how the node is started.
    const env = { ...withNode(dirname(node)), XDG_CACHE_HOME: folder, FDPASS_AGENT: 'none' };
    const times = await interleave(commands, RUNS, env);
    const { stdout: name } = spawnSync(node, ['--version'], { encoding: 'utf8' });
    console.log(`${name.trim()}: ${formatTimes(times, 'bare')}`);
  }
  rmSync(folder, { recursive: true });
  process.exit(0);
}

/** A server in a thread of its own, which nothing else keeps busy. */
function startServer() {
  return new Promise((done) => {
    const worker = new Worker(new URL(import.meta.url), { argv: ['serve'], stdout: false });
    worker.unref();
    worker.once('message', (port) => done(String(port)));
  });
}

async function serve() {
  const { parentPort } = await import('node:worker_threads');
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}
