// The library against the clients that programs use otherwise: dials a second, the slowest of a hundred, the longest block of
// the event loop and CPU for each dial. Every measurement is a process of its own; rounds are interleaved. What is measured is a
// program that runs: everybody has the same dials in advance, until V8 has compiled what they need.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { print } from './figures.mjs';
import { median } from './measure.mjs';
import { startPeers } from './peers.mjs';

const HERE = fileURLToPath(import.meta.url);
const DIALS = Number(process.env.DIALS ?? 6000);
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const WARM_UP = 8000;
const LOOK_MS = 1;
const TWO_HOPS = 'two SOCKS 5 hops';

/** What is dialled through what, and who does it besides fdpass. Each client makes a function that dials once. */
const ROUTES = {
  direct: {
    fdpass: () => fdpass('direct'),
    'net.connect': () => async (target) => {
      const socket = connect({ ...target, host: '127.0.0.1' });
      await once(socket, 'connect');
      return socket;
    },
  },
  'SOCKS 5': {
    fdpass: ({ socks }) => fdpass(`socks5h://127.0.0.1:${socks}`),
    'npm socks': async ({ socks }) => {
      const { SocksClient } = await import('socks');
      const proxy = { host: '127.0.0.1', port: socks, type: 5 };
      return async (destination) =>
        (await SocksClient.createConnection({ proxy, command: 'connect', destination })).socket;
    },
  },
  'HTTP CONNECT': {
    fdpass: ({ http }) => fdpass(`http://127.0.0.1:${http}`),
    'https-proxy-agent': async ({ http }) => {
      const { HttpsProxyAgent } = await import('https-proxy-agent');
      const agent = new HttpsProxyAgent(`http://127.0.0.1:${http}`);
      const { ClientRequest } = await import('node:http');
      return (target) => agent.connect(Object.create(ClientRequest.prototype), { ...target, secureEndpoint: false });
    },
  },
  'HTTP CONNECT and a request of undici': {
    fdpass: async ({ http }) => {
      const [{ Agent }, { undiciConnector }] = await Promise.all([
        import('undici'),
        import('../packages/adapters/dist/index.js'),
      ]);
      const { createDialer } = await import('../packages/cli/dist/index.js');
      const dialer = createDialer(`http://127.0.0.1:${http}`);
      return request(new Agent({ connect: undiciConnector(dialer), pipelining: 0, connections: 1000 }));
    },
    ProxyAgent: async ({ http }) => {
      const { ProxyAgent } = await import('undici');
      return request(new ProxyAgent({ uri: `http://127.0.0.1:${http}`, pipelining: 0, connections: 1000 }));
    },
  },
  [TWO_HOPS]: {
    fdpass: ({ socks }) => fdpass([`socks5h://127.0.0.1:${socks}`, `socks5h://127.0.0.1:${socks}`]),
  },
};

async function fdpass(use) {
  const { createDialer } = await import('../packages/cli/dist/index.js');
  const dialer = createDialer({ rules: [{ use }], timeout: '60s' });
  return (target) => dialer.dial(target);
}

async function request(dispatcher) {
  const { request: ask } = await import('undici');
  return async ({ host, port }) => {
    const { body } = await ask(`http://${host}:${port}/`, { dispatcher, reset: true });
    await body.dump();
    return { destroy() {} };
  };
}

/** What is told of each route; the last client of a route is the one that fdpass is compared with. */
const FIGURES = {
  dialsPerSecond: ['dials a second', 'better'],
  p99Ms: ['ms of the slowest of a hundred', 'worse'],
  blockMs: ['longest block of the event loop, ms', 'worse'],
  ownBlockMs: ['the same without what it waited for a processor, ms', 'worse'],
  turnMs: ['most CPU of a turn of the event loop, ms', 'worse'],
  cpuUs: ['CPU of a dial, µs', 'worse'],
};

/** Charts: each route with 50 and 500 dials at once, and 1,000 dials through two hops. */
async function measure() {
  const peers = await startPeers();
  const charts = [];
  for (const [route, clients] of Object.entries(ROUTES)) {
    for (const concurrency of clients === ROUTES[TWO_HOPS] ? [1000] : [50, 500]) {
      charts.push(...(await compare(route, Object.keys(clients), concurrency, peers.ports)));
    }
  }
  peers.close();
  return charts;
}

async function compare(route, clients, concurrency, ports) {
  const runs = Object.fromEntries(clients.map((client) => [client, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const client of clients) runs[client].push(await inProcess({ route, client, concurrency, ports }));
  }
  return Object.entries(FIGURES).map(([figure, [unit, more]]) => {
    const bars = Object.fromEntries(clients.map((client) => [client, median(runs[client].map((run) => run[figure]))]));
    return { title: `${route}, ${concurrency} at once: ${unit}`, more, base: clients.at(-1), bars };
  });
}

async function inProcess(task) {
  const child = fork(HERE, ['dial'], { execArgv: [] });
  child.send(task);
  const [result] = await once(child, 'message');
  child.disconnect();
  if (result.error !== undefined) throw new Error(`${task.route}, ${task.client}: ${result.error}`);
  return result;
}

async function dialInProcess({ route, client, concurrency, ports }) {
  const dial = await ROUTES[route][client](ports);
  const target = { host: 'localhost', port: ports.target };
  await dialMany(dial, target, Math.min(concurrency, 50), WARM_UP);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const turns = watchTurns();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const times = await dialMany(dial, target, concurrency, Math.max(DIALS, concurrency));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  turns.stop();
  return {
    dialsPerSecond: times.length / seconds,
    p99Ms: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)],
    blockMs: delay.max / 1e6,
    ownBlockMs: turns.longest().blockMs,
    turnMs: turns.longest().cpuMs,
    cpuUs: (user + system) / times.length,
  };
}

/**
 * The longest turn of the event loop: its CPU, and its time without what the thread has waited for a processor. The proxies and
 * the targets of the measurement run on the same machine, and take most of the time between two turns.
 */
function watchTurns() {
  const [cpuMs, blockMs] = [[0], [0]];
  let [last, isOver] = [threadTimes(), false];
  const look = () => {
    const now = threadTimes();
    cpuMs.push(now.cpu - last.cpu);
    blockMs.push(now.clock - last.clock - LOOK_MS - (now.waited - last.waited));
    last = now;
    if (!isOver) setTimeout(look, LOOK_MS);
  };
  look();
  return {
    longest: () => ({ cpuMs: Math.max(...cpuMs), blockMs: Math.max(...blockMs) }),
    stop() {
      isOver = true;
    },
  };
}

/** Milliseconds (proc(5), /proc/pid/schedstat). */
function threadTimes() {
  const [cpu, waited] = readFileSync('/proc/thread-self/schedstat', 'utf8')
    .split(' ')
    .map((ns) => Number(ns) / 1e6);
  return { clock: performance.now(), cpu, waited };
}

/** Keeps so many dials under way; each connection is closed at once. Resolves to the milliseconds that each has taken. */
async function dialMany(dial, target, concurrency, count) {
  const times = [];
  let started = 0;
  const work = async () => {
    while (started++ < count) {
      const start = performance.now();
      (await dial(target)).destroy();
      times.push(performance.now() - start);
    }
  };
  const workers = [];
  for (let index = 0; index < concurrency; index++) {
    workers.push(work());
    if (index % 50 === 49) await new Promise(setImmediate); // as requests arrive
  }
  await Promise.all(workers);
  return times;
}

if (process.argv[1] === HERE) {
  if (process.argv[2] === 'dial') {
    process.once('message', (task) =>
      dialInProcess(task).then(
        (result) => process.send(result),
        (error) => process.send({ error: String(error?.stack) }),
      ),
    );
  } else print(await measure());
}
