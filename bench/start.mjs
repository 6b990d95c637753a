// Cold start: a whole `bin/fdpass localhost PORT` with descriptor passing, as ssh runs it, compared with a bare start of the same
// Node and with `nc -F`, interleaved, with and without a configuration.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadSys } from '../packages/core/dist/sockets.js';
import { nodeFolder, withNode } from '../scripts/node-versions.mjs';

const RUNS = Number(process.env.RUNS ?? 25);
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
  const sys = loadSys();
  for (const version of VERSIONS) {
    const node = version === undefined ? process.execPath : join(nodeFolder(version) ?? '', 'node');
    report(
      node,
      measure(sys, withNode(dirname(node)), {
        bare: [node, '-e', '0'],
        fdpass: [FDPASS, 'localhost', port],
        literal: [FDPASS, '127.0.0.1', port],
        config: [FDPASS, '--config', config, 'localhost', port],
        nc: ['nc', '-F', 'localhost', port],
      }),
    );
  }
  rmSync(folder, { recursive: true });
  process.exit(0);
}

function measure(sys, env, commands) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let run = -2; run < RUNS; run++) {
    for (const [name, command] of Object.entries(commands)) {
      const ms = timed(sys, env, command);
      if (run >= 0) times[name].push(ms);
    }
  }
  return times;
}

/** Milliseconds of a command whose stdin and stdout are one end of a socketpair, as ssh gives them. */
function timed(sys, env, [command, ...args]) {
  const [ours, theirs] = sys.socketpair();
  const start = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: [theirs, theirs, 'pipe'],
    encoding: 'utf8',
    env,
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  sys.close(ours);
  sys.close(theirs);
  if (error?.code === 'ENOENT') return Number.NaN;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return ms;
}

function report(node, times) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const bare = median(times.bare);
  const figures = Object.entries(times).map(
    ([name, values]) => `${name} ${median(values).toFixed(1)} ms (${(median(values) / bare).toFixed(2)})`,
  );
  console.log(`${version}: ${figures.join(', ')}`);
}

/** A server in a thread of its own, so that the synchronous runs do not stop it. */
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
