// Time to descriptor with the agent, compared in the same rounds with `nc -F`, a script of Python, a bare start of Node, the command
// without the agent, and ssh as the agent's client. Direct, and through proxies with and without a round trip of 20 ms; then a
// burst, and what the agent keeps after many connections.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { startLink } from './link.mjs';
import { interleave, median } from './measure.mjs';

const RUNS = Number(process.env.RUNS ?? 40);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 2000);
const BURST = Number(process.env.BURST ?? 200);
const ROUND_TRIP_MS = 20;
const FDPASS = resolve('bin/fdpass');
const asJson = process.argv.includes('--json');

/** The least that a program of Python has to do for ProxyUseFdpass. */
const PYTHON = `import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b'\\0'], [s.fileno()])`;

const folder = mkdtempSync(join(tmpdir(), 'fdpass-bench-'));
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  XDG_RUNTIME_DIR: folder,
  XDG_CONFIG_HOME: folder,
  FDPASS_AGENT: '',
};
const socket = join(folder, 'fdpass/agent.sock');
const figures = {};

try {
  await main();
} finally {
  spawnSync(FDPASS, ['agent', 'stop'], { env });
  rmSync(folder, { recursive: true });
}
process.exit(0);

async function main() {
  const worker = new Worker(new URL('agent-servers.mjs', import.meta.url));
  const [ports] = await once(worker, 'message');
  execFileSync(FDPASS, ['agent', 'start'], { env });
  const fdpass = (name, ...args) => ({
    [`${name} warm`]: [FDPASS, ...args],
    [`${name} cold`]: { words: [FDPASS, ...args], env: { FDPASS_AGENT: 'none' } },
  });
  const target = ['127.0.0.1', String(ports.target)];
  const proxied = (kind, port, host = '127.0.0.1') => ({
    [`${kind} nc`]: ['nc', '-F', '-X', kind === 'socks' ? '5' : 'connect', '-x', `${host}:${port}`, ...target],
    ...fdpass(kind, '--via', proxyUrl(kind, host, port), ...target),
    [`${kind} warm: 2`]: [FDPASS, '--config', warmHop(kind, host, port), ...target],
  });
  await compare('direct', 'nc', {
    nc: ['nc', '-F', ...target],
    python: ['/usr/bin/python3', '-S', '-E', '-c', PYTHON, ...target],
    node: [process.execPath, '-e', '0'],
    "ssh's own start": ['ssh', '-V'],
    "the shell's own start": ['/bin/sh', '-c', ':'],
    ...fdpass('fdpass', ...target),
    'fdpass warm, by ssh': { words: [FDPASS, ...target], env: { FDPASS_LEFT_TO: 'ssh' } },
  });
  await compare('SOCKS5', 'socks nc', proxied('socks', ports.socks));
  await compare('HTTP CONNECT', 'http nc', proxied('http', ports.http));
  const link = await startLink(ROUND_TRIP_MS / 2);
  if (link === undefined) console.error('no TUN device here: nothing is measured over a slow link');
  else {
    await compare(`SOCKS5, ${ROUND_TRIP_MS} ms away`, 'socks nc', proxied('socks', ports.farSocks, link.farHost));
    await compare(`HTTP CONNECT, ${ROUND_TRIP_MS} ms away`, 'http nc', proxied('http', ports.farHttp, link.farHost));
    link.close();
  }
  await burst(target);
  await many(target);
  if (asJson) console.log(JSON.stringify(figures, null, 2));
}

function proxyUrl(kind, host, port) {
  return `${kind === 'socks' ? 'socks5' : 'http'}://${host}:${port}`;
}

/** A config whose only hop has connections in advance. */
function warmHop(kind, host, port) {
  const file = join(folder, `${kind}-${port}.json`);
  const strategy = kind === 'socks' ? 'socks' : 'http-connect';
  const use = { strategy, url: proxyUrl(kind, host, port), warm: 2 };
  writeFileSync(file, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
  return file;
}

/** Prints medians and their ratios to the command called `base`. */
async function compare(title, base, commands) {
  const times = await interleave(commands, RUNS, env);
  const unit = median(times[base]);
  figures[title] = Object.fromEntries(
    Object.entries(times)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [name, { ms: round(median(values)), ratio: round(median(values) / unit) }]),
  );
  if (asJson) return;
  console.log(title);
  for (const [name, { ms, ratio }] of Object.entries(figures[title]))
    console.log(`  ${name.padEnd(18)} ${ms.toFixed(2).padStart(7)} ms  ${ratio.toFixed(2)}`);
}

/** Many commands at the same time. */
async function burst(target) {
  const started = performance.now();
  const statuses = await Promise.all(
    Array.from({ length: BURST }, async () => {
      const child = spawn(FDPASS, target, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const [status] = await once(child, 'close');
      return status;
    }),
  );
  tell('a burst', {
    commands: BURST,
    failures: statuses.filter((status) => status !== 0).length,
    seconds: round((performance.now() - started) / 1000),
    ...state(),
  });
}

/** One connection after the other, without the start of a launcher. */
async function many(target) {
  const { askAgent } = await import('./agent-client.mjs');
  const command = [FDPASS, ...target].join('\n');
  const before = state();
  const started = performance.now();
  for (let connection = 0; connection < CONNECTIONS; connection++) await askAgent(socket, command, env);
  tell('one after the other', {
    connections: CONNECTIONS,
    'ms each': round((performance.now() - started) / CONNECTIONS),
    'MB before': before.MB,
    ...state(),
  });
}

function tell(title, values) {
  figures[title] = values;
  if (!asJson)
    console.log(
      `${title}: ${Object.entries(values)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}`,
    );
}

/** What the agent holds. */
function state() {
  const { pid, served, left } = JSON.parse(
    execFileSync(FDPASS, ['agent', 'status', '--json'], { env, encoding: 'utf8' }),
  );
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { MB: Math.round(Number(kilobytes) / 1024), descriptors: readdirSync(`/proc/${pid}/fd`).length, served, left };
}

function round(value) {
  return Math.round(value * 100) / 100;
}
