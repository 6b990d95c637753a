// A proxy over TLS, with TLS by the kernel and by a relay process, in turn: the time to the descriptor, and the processor time of
// the whole machine for the same bytes. Where this kernel has no TLS, in the virtual machine of the tests, which is emulated:
// there ratios count, not milliseconds.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adoptFd, kernelHasTls, loadSys, recvFd } from '../packages/core/dist/sockets.js';
import {
  alternativeNames,
  makeCertificate,
  runInMachine,
  startTlsProxyServer,
  temporaryFolder,
} from '../packages/test-lab/dist/index.js';

const RUNS = Number(process.env.RUNS ?? 5);
const BYTES = Number(process.env.BYTES ?? 16 * 1024 ** 2);
const FDPASS = fileURLToPath(new URL('../bin/fdpass', import.meta.url));
const SELF = fileURLToPath(import.meta.url);

if (kernelHasTls()) await measure();
else {
  const command = ['sh', '-c', `modprobe tls && exec '${process.execPath}' '${SELF}'`];
  const env = { RUNS: String(RUNS), BYTES: String(BYTES) };
  const { status, stdout, stderr } = await runInMachine({}, command, { env, timeoutMs: 20 * 60_000 });
  process.stdout.write(`in the virtual machine:\n${stdout}${stderr}`);
  process.exitCode = status;
}

async function measure() {
  const folder = temporaryFolder();
  const pair = makeCertificate(folder.path, 'proxy', alternativeNames('IP:127.0.0.1'));
  const missing = (reason) => {
    throw new Error(reason);
  };
  const proxy = await startTlsProxyServer({ test: {}, skip: missing }, 'stunnel and tinyproxy', {
    folder: folder.path,
    ...pair,
  });
  const source = createServer((socket) => feed(socket.on('error', () => {})));
  await once(source.listen(0, '127.0.0.1'), 'listening');
  const results = { kernel: [], relay: [] };
  for (let run = 0; run < RUNS; run++) {
    for (const who of Object.keys(results)) {
      const tls = { ca: pair.cert, kernel: who === 'kernel' };
      const config = join(folder.path, `${who}.json`);
      const use = { strategy: 'http-connect', url: proxy.url, tls };
      writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
      results[who].push(await transfer(config, String(source.address().port)));
    }
  }
  await proxy.close();
  source.close();
  folder.remove();
  show(results);
}

/** Sends what the other side takes, up to BYTES. */
function feed(socket) {
  const chunk = Buffer.alloc(64 * 1024);
  let left = BYTES;
  const more = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', more);
    }
  };
  more();
}

/** One connection: how long until the descriptor is there, and the processor time until all bytes are. */
async function transfer(config, port) {
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  const started = performance.now();
  const env = { ...process.env, FDPASS_AGENT: 'none', XDG_STATE_HOME: '/dev/null' };
  const child = spawn(process.execPath, [FDPASS, '--config', config, '127.0.0.1', port], {
    env,
    stdio: [theirs, theirs, 'inherit'],
  });
  sys.close(theirs);
  const exited = once(child, 'exit');
  const fd = await recvFd(ours);
  const descriptorMs = performance.now() - started;
  await exited;
  const exitMs = performance.now() - started;
  sys.close(ours);
  const busyBefore = busyTicks();
  const socket = adoptFd(fd, sys);
  let left = BYTES;
  for await (const bytes of socket) {
    left -= bytes.length;
    if (left <= 0) break;
  }
  const cpuMs = (busyTicks() - busyBefore) * 10;
  socket.destroy();
  return { descriptorMs, exitMs, cpuMs };
}

/** Of all processors, in hundredths of a second (proc_stat(5)): user, nice, system, and those of interrupts. */
function busyTicks() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .match(/\d+/g)
    .map(Number);
  return user + nice + system + irq + softirq;
}

function show({ kernel, relay }) {
  const mib = BYTES / 1024 ** 2;
  const rows = {
    'ms to the descriptor': 'descriptorMs',
    'ms to the exit of fdpass': 'exitMs',
    [`ms of processor for ${mib} MiB`]: 'cpuMs',
  };
  for (const [name, key] of Object.entries(rows)) {
    const [k, r] = [kernel, relay].map((runs) => median(runs.map((each) => each[key])));
    console.log(`${name}: kernel ${Math.round(k)}, relay ${Math.round(r)}, ratio ${(k / r).toFixed(2)}`);
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
