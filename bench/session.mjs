// A session of ssh with each kind of ProxyCommand: how fast it moves bytes from the server, from the first byte to the last, and the
// CPU and memory of the helpers that live beside it. The client's environment marks its helpers, so that they are found whoever
// starts them. Each round begins with another kind: who runs first in a round has an advantage or a handicap.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { findProgram, markedEnvironment, markedProcesses, startSshd } from '../packages/test-lab/dist/index.js';
import { startSocksProxy } from '../packages/testkit/dist/index.js';
import { print } from './figures.mjs';
import { median } from './measure.mjs';

const TOTAL = Number(process.env.BYTES ?? 1024 ** 3);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SIZE = `${Math.round(TOTAL / 1024 ** 2)} MiB`;
const LOOK_MS = 50;
const TICKS_PER_SECOND = 100;
const FDPASS = resolve('bin/fdpass');

const FIGURES = {
  speed: ['MB/s', 'better'],
  cpu: ['CPU s of the helpers', 'worse'],
  memory: ['MB of the helpers that live as long', 'worse'],
};

/** Charts: a session without a proxy, and one through a SOCKS 5 proxy, each with the helpers that can do it. */
async function measure() {
  const [server, socks] = [await startSshd(), await startSocksProxy()];
  const proxy = `127.0.0.1:${socks.port}`;
  const hop = ['ssh', ...server.options(), `${server.user}@127.0.0.1`, '-W', '%h:%p'].join(' ');
  const passed = (...args) => ({ ProxyCommand: `${FDPASS} ${args.join(' ')} %h %p`, ProxyUseFdpass: 'yes' });
  const charts = [
    ...(await compare(server, 'a session, direct', 'plain ssh', {
      'plain ssh': {},
      fdpass: passed(),
      'nc -F': { ProxyCommand: 'nc -F %h %p', ProxyUseFdpass: 'yes' },
      'fdpass --stdio': { ProxyCommand: `${FDPASS} --stdio %h %p` },
      nc: { ProxyCommand: 'nc %h %p' },
      'ssh -W': { ProxyCommand: hop },
    })),
    ...(await compare(server, 'a session through SOCKS 5', 'nc', {
      fdpass: passed('--via', `socks5://${proxy}`),
      nc: { ProxyCommand: `nc -X 5 -x ${proxy} %h %p` },
      ...(findProgram('connect-proxy') && { 'connect-proxy': { ProxyCommand: `connect-proxy -S ${proxy} %h %p` } }),
    })),
  ];
  await Promise.all([server.close(), socks.close()]);
  return charts;
}

async function compare(server, title, base, kinds) {
  const runs = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
  const order = Object.entries(kinds);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, options] of order) runs[name].push(await transfer(server, options));
    order.push(order.shift());
  }
  return Object.entries(FIGURES).map(([figure, [unit, more]]) => {
    const isOfHelpers = figure !== 'speed';
    const shown = Object.entries(runs).filter(([name]) => !(isOfHelpers && name === 'plain ssh'));
    const bars = Object.fromEntries(shown.map(([name, list]) => [name, median(list.map((run) => run[figure]))]));
    return { title: `${SIZE} in ${title}: ${unit}`, more, base: isOfHelpers ? 'nc' : base, bars };
  });
}

async function transfer(server, options) {
  const { env: mark, marker } = markedEnvironment();
  const own = { FDPASS_CONFIG: '', FDPASS_AGENT: 'none', XDG_CONFIG_HOME: server.folder };
  const words = [...server.options(options), `${server.user}@127.0.0.1`, `head -c ${TOTAL} /dev/zero`];
  const ssh = spawn('ssh', words, { env: { ...process.env, ...mark, ...own }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(ssh, 'exit');
  const helpers = new Map();
  let looks = 0;
  const looking = setInterval(() => look(marker, ssh.pid, helpers, ++looks), LOOK_MS);
  let [bytes, start] = [0, undefined];
  for await (const chunk of ssh.stdout) {
    start ??= performance.now();
    bytes += chunk.length;
  }
  const seconds = (performance.now() - start) / 1000;
  clearInterval(looking);
  const [status] = await ended;
  if (status !== 0 || bytes !== TOTAL) throw new Error(`ssh ended with ${status} after ${bytes} bytes`);
  let [cpu, memory] = [0, 0];
  for (const helper of helpers.values()) {
    cpu += helper.cpu;
    if (helper.look === looks) memory += helper.memory;
  }
  return { speed: TOTAL / 1e6 / seconds, cpu, memory };
}

/** Remembers what each helper has used so far: those that end at once, such as fdpass itself, are seldom seen. */
function look(marker, client, helpers, number) {
  for (const line of markedProcesses(marker)) {
    const pid = Number.parseInt(line, 10);
    if (pid === client) continue;
    try {
      const [, , ...stat] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/\(.*\)/s, 'x')
        .split(' ');
      const [, kilobytes = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      const cpu = (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
      helpers.set(pid, { cpu, memory: Number(kilobytes) / 1024, look: number });
    } catch {
      // It has just ended.
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  print(await measure());
  process.exit(0);
}
