// `fdpass listen` beside other SOCKS servers: bulk data both ways, a thousand connections at once, and its memory over many. BYTES,
// ROUNDS and CONNECTIONS make it shorter.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSys, openConnection } from '../packages/core/dist/sockets.js';
import { findProgram, startServer, startSshd, temporaryFolder } from '../packages/test-lab/dist/index.js';
import { print } from './figures.mjs';
import { median } from './measure.mjs';

const HERE = fileURLToPath(import.meta.url);
const FDPASS = fileURLToPath(new URL('../bin/fdpass', import.meta.url));
const TOTAL = Number(process.env.BYTES ?? 1024 ** 3);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const MANY = Number(process.env.CONNECTIONS ?? 20_000);
const AT_ONCE = 1000;
const SIZE = `${Math.round(TOTAL / 1024 ** 2)} MiB`;
const BLOCK = 256 * 1024;
const ENV = { FDPASS_CONFIG: '', XDG_CONFIG_HOME: '/nonexistent', FDPASS_AGENT: 'none' };
/** What a connection is for: the first byte that its client says. */
const UP = 'u';
const DOWN = 'd';
const ECHO = 'e';

if (process.argv[1] === HERE) {
  if (process.argv[2] === 'server') await serve();
  else if (process.argv[2] === 'client') await move(JSON.parse(process.argv[3]));
  else print(await measure());
}

/** Charts, each of which compares the servers in one figure, and one of the memory. */
async function measure() {
  const folder = temporaryFolder();
  const target = spawn(process.execPath, [HERE, 'server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(target.stdout, 'data');
  const port = Number(String(line));
  const sshd = await startSshd();
  const proxies = await startProxies(folder.path, sshd);
  try {
    await verify(proxies['fdpass listen'].port, port);
    return [
      await speeds(proxies, port, UP, 'to the server'),
      await speeds(proxies, port, DOWN, 'from the server'),
      await crowds(proxies, port),
      await memory(proxies['fdpass listen'], port),
    ];
  } finally {
    target.kill();
    for (const { close } of [...Object.values(proxies), sshd]) await close();
    folder.remove();
  }
}

/** Those that are installed. */
async function startProxies(folder, sshd) {
  const config = join(folder, 'danted.conf');
  const dante = (port) => {
    const pass = 'from: 0.0.0.0/0 to: 0.0.0.0/0';
    const lines = [
      `internal: 127.0.0.1 port = ${port}`,
      'external: 127.0.0.1',
      'socksmethod: none',
      'clientmethod: none',
    ];
    writeFileSync(config, [...lines, `client pass { ${pass} }`, `socks pass { ${pass} }`, ''].join('\n'));
    return ['-f', config];
  };
  const ssh = ['-N', `${sshd.user}@127.0.0.1`];
  const commands = {
    'fdpass listen': [process.execPath, (port) => [FDPASS, 'listen', `127.0.0.1:${port}`]],
    'ssh -D': ['ssh', (port) => [...sshd.options(), '-D', `127.0.0.1:${port}`, ...ssh]],
    microsocks: ['microsocks', (port) => ['-i', '127.0.0.1', '-p', String(port)]],
    dante: ['danted', dante],
  };
  const started = {};
  for (const [name, [command, words]] of Object.entries(commands)) {
    const program = findProgram(command) ?? (command.startsWith('/') ? command : undefined);
    if (program !== undefined) started[name] = await startServer(program, words, { env: ENV });
  }
  return started;
}

/** Every byte arrives, both ways. */
async function verify(proxy, port) {
  for (const kind of [UP, DOWN]) {
    const { hash } = await transfer({ proxy, port, kind, isHashed: true });
    const wanted = hashOf((take) => fill(take));
    if (hash !== wanted) throw new Error(`${kind}: ${hash} instead of ${wanted}`);
  }
}

async function speeds(proxies, port, kind, direction) {
  const runs = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { port: proxy }] of Object.entries(proxies)) {
      runs[name] ??= [];
      runs[name].push((await transfer({ proxy, port, kind, isHashed: false })).speed);
    }
  }
  const bars = Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, median(list)]));
  return {
    title: `${SIZE} ${direction}: MB/s`,
    more: 'better',
    base: 'microsocks' in bars ? 'microsocks' : 'ssh -D',
    bars,
  };
}

/** In a process of its own, by blocking calls on large blocks, so that the client is not what is measured. */
async function transfer(request) {
  const child = spawn(process.execPath, [HERE, 'client', JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text);
}

async function move({ proxy, port, kind, isHashed }) {
  const sys = loadSys();
  const connection = await connectThrough(proxy, port);
  const fd = connection.descriptor;
  await connection.write(Buffer.from(isHashed ? kind.toUpperCase() : kind));
  sys.setNonBlocking(fd, false);
  const start = performance.now();
  let hash = '';
  if (kind === UP) {
    fill((block) => sendWhole(fd, block));
    sys.shutdown(fd, 1);
    hash = takeText(fd);
  } else {
    hash = takeAll(fd, isHashed);
  }
  console.log(JSON.stringify({ speed: TOTAL / 1e3 / (performance.now() - start), hash }));
  process.exit(0);
}

/** Many connections that are open together, each of which says something and hears it again. */
async function crowds(proxies, port) {
  const bars = {};
  for (const [name, { port: proxy }] of Object.entries(proxies)) {
    try {
      const start = performance.now();
      const connections = await Promise.all(Array.from({ length: AT_ONCE }, () => echo(proxy, port)));
      bars[name] = performance.now() - start;
      for (const connection of connections) connection.destroy();
    } catch (error) {
      console.error(`${name}: not ${AT_ONCE} connections at once: ${error.message}`);
    }
  }
  return {
    title: `${AT_ONCE} connections at once, with an answer each: ms`,
    more: 'worse',
    base: 'fdpass listen',
    bars,
  };
}

/** What it has in memory after some connections, and after many. */
async function memory({ process: { pid }, port: proxy }, port) {
  const bars = {};
  let count = 0;
  for (const goal of [MANY / 10, MANY / 2, MANY]) {
    for (; count < goal; count += 50) {
      const connections = await Promise.all(Array.from({ length: 50 }, () => echo(proxy, port)));
      for (const connection of connections) connection.destroy();
    }
    bars[`after ${goal}`] = residentMegabytes(pid);
  }
  return {
    title: 'fdpass listen, resident memory by connections: MB',
    more: 'worse',
    base: `after ${MANY / 10}`,
    bars,
  };
}

function residentMegabytes(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) / 1000;
}

async function echo(proxy, port) {
  const connection = await connectThrough(proxy, port);
  await connection.write(Buffer.from(`${ECHO}hello`));
  await connection.read(5, 'the echo');
  return connection;
}

/** A SOCKS 5 client (RFC 1928). */
async function connectThrough(proxy, port) {
  const { signal } = new AbortController();
  const connection = await openConnection({ family: 4, host: '127.0.0.1', port: proxy }, {}, { signal });
  await connection.write(Buffer.from([5, 1, 0]));
  await connection.read(2, 'the method');
  await connection.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
  const [, reply] = await connection.read(10, 'the reply');
  if (reply !== 0) throw new Error(`reply ${reply}`);
  return connection;
}

/** The other side of them all. */
async function serve() {
  const sys = loadSys();
  const server = createServer({ noDelay: true }, (socket) => {
    socket
      .on('error', () => {})
      .once('data', (first) => {
        const kind = String.fromCharCode(first[0]);
        if (kind === ECHO) {
          socket.write(first.subarray(1));
          return void socket.pipe(socket);
        }
        socket.pause();
        const fd = sys.dup(socket._handle.fd);
        socket.destroy();
        sys.setNonBlocking(fd, false);
        try {
          answer(fd, kind, first.subarray(1));
        } catch {
          // The client has gone.
        }
        sys.close(fd);
      });
  });
  await once(server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }), 'listening');
  console.log(server.address().port);
}

function answer(fd, kind, first) {
  const isHashed = kind !== kind.toLowerCase();
  if (kind.toLowerCase() === DOWN) fill((block) => sendWhole(fd, block));
  else sendWhole(fd, Buffer.from(takeAll(fd, isHashed, first)));
}

/** Blocks that differ, of the whole size. */
function fill(take) {
  const block = Buffer.alloc(BLOCK);
  for (let left = TOTAL, number = 0; left > 0; number++) {
    const length = Math.min(left, BLOCK);
    for (let at = 0; at < BLOCK; at += 4096) block.writeUInt32LE(number * 4096 + at, at);
    take(block.subarray(0, length));
    left -= length;
  }
}

function hashOf(give) {
  const hash = createHash('sha256');
  give((block) => hash.update(block));
  return hash.digest('hex');
}

function sendWhole(fd, block) {
  const sys = loadSys();
  for (let at = 0; at < block.length; ) at += sys.send(fd, block.subarray(at), 0);
}

/** All that is to come, and its hash if that is wanted. */
function takeAll(fd, isHashed, first = Buffer.alloc(0)) {
  const sys = loadSys();
  const hash = createHash('sha256').update(first);
  const block = Buffer.alloc(BLOCK);
  for (let left = TOTAL - first.length; left > 0; ) {
    const taken = sys.recv(fd, block, 0);
    if (taken === 0) throw new Error('the connection ended in the middle');
    if (isHashed) hash.update(block.subarray(0, taken));
    left -= taken;
  }
  return isHashed ? hash.digest('hex') : '-';
}

function takeText(fd) {
  const block = Buffer.alloc(BLOCK);
  return block.toString('latin1', 0, loadSys().recv(fd, block, 0));
}
