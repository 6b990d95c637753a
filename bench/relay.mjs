// A relay over two pipes, as a client that does not take descriptors gives them: `fdpass --stdio` against `nc`, both directions.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSys } from '../packages/core/dist/sockets.js';
import { makePipe } from '../packages/test-lab/dist/index.js';
import { print } from './figures.mjs';
import { median } from './measure.mjs';

const HERE = fileURLToPath(import.meta.url);
const TOTAL = Number(process.env.BYTES ?? 1024 ** 3);
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const SIZE = `${Math.round(TOTAL / 1024 ** 2)} MiB`;
const BLOCK = 256 * 1024;
const HELPERS = {
  'fdpass --stdio': (port) => [resolve('bin/fdpass'), '--stdio', '127.0.0.1', port],
  nc: (port) => ['nc', '127.0.0.1', port],
};

if (process.argv[1] === HERE) {
  if (process.argv[2] === 'server') await serve(process.argv[3]);
  else if (process.argv[2] === 'client') useRelay(process.argv[3]);
  else print(await measure());
}

/** Charts, each of which compares the helpers in one figure. */
async function measure() {
  const charts = [];
  for (const [direction, words] of Object.entries({ up: 'to the server', down: 'from the server' })) {
    const runs = await compare(direction);
    const of = (figure) =>
      Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, median(list.map(figure))]));
    charts.push(
      { title: `${SIZE} over pipes ${words}: MB/s`, more: 'better', base: 'nc', bars: of(({ speed }) => speed) },
      {
        title: `${SIZE} over pipes ${words}: CPU s of the helper`,
        more: 'worse',
        base: 'nc',
        bars: of(({ cpu }) => cpu),
      },
    );
  }
  return charts;
}

async function compare(direction) {
  const server = spawn(process.execPath, [HERE, 'server', direction], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(server.stdout, 'data');
  const runs = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, command] of Object.entries(HELPERS)) {
      runs[name] ??= [];
      runs[name].push(await transfer(command(String(port).trim()), direction));
    }
  }
  server.kill();
  return runs;
}

/** One client beside one helper. The helper's start is a part of its time and of its CPU. */
async function transfer([command, ...args], direction) {
  const [input, writer] = makePipe();
  const [reader, output] = makePipe();
  const start = performance.now();
  const client = spawn(process.execPath, [HERE, 'client', direction], { stdio: [reader, writer, 'inherit', 'ipc'] });
  const helper = spawn(command, args, { stdio: [input, output, 'inherit'] });
  for (const fd of [input, writer, reader, output]) closeSync(fd);
  const [began] = await once(client, 'message');
  const cpu = cpuSeconds(helper.pid);
  const seconds = (performance.now() - start - began) / 1000;
  client.kill();
  helper.kill();
  await Promise.all([client, helper].map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  return { speed: TOTAL / 1e6 / seconds, cpu };
}

/** Of all threads of a process, to the nanosecond. */
function cpuSeconds(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + nanosecondsOf(`/proc/${pid}/task/${thread}/schedstat`) / 1e9, 0);
}

function nanosecondsOf(path) {
  return Number(readFileSync(path, 'utf8').split(' ', 1)[0]);
}

/** The other side of a transfer: blocking calls on large blocks, so that it is not what is measured. */
async function serve(direction) {
  const sys = loadSys();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const fd = sys.dup(socket._handle.fd);
    socket.destroy();
    sys.setNonBlocking(fd, false);
    try {
      if (direction === 'down') sendAll((block) => sys.send(fd, block, 0));
      else takeAll((block) => sys.recv(fd, block, 0));
      sys.send(fd, Buffer.from('.'), 0);
      sys.recv(fd, Buffer.alloc(1), 0); // until the helper is killed
    } catch {
      // Killed before that.
    }
    sys.close(fd);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  console.log(server.address().port);
}

function useRelay(direction) {
  const began = performance.now(); // what our own start has taken
  if (direction === 'down') takeAll((block) => readSync(0, block));
  else {
    sendAll((block) => writeSync(1, block));
    readSync(0, Buffer.alloc(1));
  }
  process.send(began);
  process.once('disconnect', () => process.exit(0)); // the helper lives until it has been looked at
}

function sendAll(send) {
  const block = Buffer.alloc(BLOCK, 7);
  for (let left = TOTAL; left > 0; ) left -= send(block.subarray(0, Math.min(left, BLOCK)));
}

function takeAll(take) {
  const block = Buffer.alloc(BLOCK);
  for (let left = TOTAL; left > 0; ) {
    const taken = take(block);
    if (taken === 0) throw new Error('the relay ended in the middle');
    left -= taken;
  }
}
