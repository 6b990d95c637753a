// 1,000 dials at once in one process, through one dialer. All must succeed, no descriptor can be left, and the event loop
// must never be blocked for 50 ms. The servers run in a process of their own.
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createDialer } from '../packages/cli/dist/index.js';

const DIALS = Number(process.env.DIALS ?? 1000);
const ROUNDS = 5;

if (process.argv[2] === 'serve') serve();
else await main();

async function main() {
  const servers = fork(fileURLToPath(import.meta.url), ['serve'], { execArgv: [] });
  const { target, proxy } = await new Promise((resolve) => servers.once('message', resolve));
  const ways = {
    'direct, by address': ['direct', '127.0.0.1'],
    'happy-eyeballs, by name': ['happy-eyeballs', 'localhost'],
    socks5h: [`socks5h://127.0.0.1:${proxy}`, 'localhost'],
    'socks5h over socks5h': [[`socks5h://127.0.0.1:${proxy}`, `socks5h://127.0.0.1:${proxy}`], 'localhost'],
  };
  for (const [name, [use, host]] of Object.entries(ways)) {
    const dialer = createDialer({ rules: [{ use }], timeout: '60s' });
    (await dialer.dial({ host, port: target })).destroy(); // loads and compiles the code
    const rounds = [];
    let before = 0;
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await dialAll(dialer, { host, port: target }));
      if (round === 0) before = openDescriptors(); // the first opens what lasts as long as the process
    }
    const [median] = rounds.toSorted((a, b) => a.ms - b.ms).slice(ROUNDS >> 1);
    const worst = Math.max(...rounds.map(({ delayMs }) => delayMs));
    const left = await descriptorsLeft(before);
    console.log(
      `${name}: ${DIALS} of ${DIALS} in ${median.ms.toFixed(0)} ms (median of ${ROUNDS}), event loop blocked ` +
        `${worst.toFixed(1)} ms at worst, ${left} descriptors left`,
    );
  }
  servers.disconnect();
}

async function dialAll(dialer, target) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  // The dials start over several turns of the event loop, as requests arrive; all are under way at the same time.
  const dials = [];
  for (let index = 0; index < DIALS; index++) {
    dials.push(dialer.dial(target));
    if (index % 50 === 49) await new Promise(setImmediate);
  }
  const sockets = await Promise.all(dials);
  const ms = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 20)); // lets the histogram see the last turn
  delay.disable();
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())));
  return { ms, delayMs: delay.max / 1e6 };
}

/** A look-up that was given up can still have a file or a socket open, so it gets time to end (resolv.conf(5): 5 s a try). */
async function descriptorsLeft(before) {
  for (let turn = 0; turn < 2000 && openDescriptors() > before; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return openDescriptors() - before;
}

function openDescriptors() {
  return readdirSync('/proc/self/fd').length;
}

async function serve() {
  process.once('disconnect', () => process.exit(0));
  const listen = (server) =>
    new Promise((resolve) => server.listen(0, '127.0.0.1', 4096, () => resolve(server.address().port)));
  const target = await listen(createServer((socket) => socket.on('error', () => {}).resume()));
  const proxy = await listen(createServer(serveSocks));
  process.send({ target, proxy });
}

/** RFC 1928, for clients that send each message in one piece, as ours does. */
function serveSocks(client) {
  client
    .on('error', () => {})
    .once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (request) => {
        const length = request[4];
        const host =
          request[3] === 3 ? request.toString('latin1', 5, 5 + length) : [...request.subarray(4, 8)].join('.');
        const far = connect(request.readUInt16BE(request.length - 2), host === 'localhost' ? '127.0.0.1' : host);
        far
          .on('error', () => client.destroy())
          .once('connect', () => {
            client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
            client.pipe(far).pipe(client);
          });
        client.once('close', () => far.destroy());
      });
    });
}
