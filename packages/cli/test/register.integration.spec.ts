import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternativeNames, makeCertificate, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { refusedPort, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { NO_CONFIG } from './commands.spec.helper.js';
import type { Servers } from './register.spec.helper.js';

const PROGRAM = fileURLToPath(new URL('register.spec.helper.js', import.meta.url));
const REGISTER = new URL('../dist/register.js', import.meta.url).href;
const FDPASS = new URL('../dist/index.js', import.meta.url).href;

/** What the program does, and by which names it asks for that. */
const NAMES = [
  'port-and-host',
  'imported-by-name',
  'options',
  'options-of-a-class',
  'listener',
  'a-lookup-of-its-own',
  'new-socket',
  'tls',
  'tls-over-a-socket-that-connects',
  'http',
  'http-without-agent',
  'https',
  'http2',
  'http2-over-tls',
  'fetch',
  'worker',
  'worker-by-text',
];

/** What it does besides, which reaches nobody through a proxy. */
const NOT_BY_RULES = [
  'a-lookup-that-is-needed',
  'unix-socket',
  'unix-socket-in-options',
  'unix-socket-beside-a-port',
  'connected-already',
];

describe('node --import fdpass/register', () => {
  const folder = temporaryFolder();
  const servers: Server[] = [];
  let proxy: TestProxy;
  let told: Servers;
  let env: NodeJS.ProcessEnv;

  before(async function () {
    requirePeers(this, 'openssl');
    const files = makeCertificate(folder.path, 'web', alternativeNames('DNS:web.example'));
    const [cert, key] = [files.cert, files.key].map((file) => readFileSync(file, 'utf8')) as [string, string];
    const answer: http.RequestListener = (request, response) => response.end(request.url);
    const answer2 = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void =>
      void response.end(request.url);
    const start = async (server: Server, where: object = { port: 0, host: '127.0.0.1' }): Promise<number> => {
      servers.push(server);
      await once(server.listen(where), 'listening');
      return (server.address() as AddressInfo).port;
    };
    const path = join(folder.path, 'web.sock');
    await start(http.createServer(answer), { path });
    told = {
      plain: await start(http.createServer(answer)),
      secure: await start(https.createServer({ cert, key }, answer)),
      plain2: await start(http2.createServer(answer2)),
      secure2: await start(http2.createSecureServer({ cert, key }, answer2)),
      path,
      ca: cert,
    };
    const hosts = [...NAMES, 'cjs'].map((name) => [`${name}.example`, '127.0.0.1']);
    proxy = await startSocksProxy({ hosts: Object.fromEntries(hosts) });
    const config = join(folder.path, 'rules.yaml');
    const dead = await refusedPort();
    const rules = [
      { host: '*.dead.example', use: `socks5h://127.0.0.1:${dead}` },
      { host: '*.example', use: `socks5h://127.0.0.1:${proxy.port}` },
    ];
    writeFileSync(config, JSON.stringify({ rules }), { mode: 0o600 });
    env = { ...NO_CONFIG, FDPASS_CONFIG: config };
  });
  let askedBefore = 0;
  beforeEach(() => {
    askedBefore = proxy.asked.length;
  });
  const asked = (): string[] => proxy.asked.slice(askedBefore).map((target) => target.replace(/:\d+$/, ''));
  after(async () => {
    await proxy?.close();
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  const program = (name: string, code: string): string => {
    const file = join(folder.path, name);
    writeFileSync(file, code);
    return file;
  };

  /** Node runs a worker's text before what `--import` names, and after what `--require` names. */
  const options: readonly (readonly [option: string, file: string, untouched: readonly string[]])[] = [
    ['--import', REGISTER, ['worker-by-text']],
    ['--require', fileURLToPath(REGISTER), []],
  ];

  for (const [option, file, untouched] of options) {
    it(`takes every way to connect that Node has by the rules, and nothing else, with ${option}`, async () => {
      const words = [option, file, PROGRAM, JSON.stringify(told)];
      const { status, stdout, stderr } = await run(process.execPath, words, { env });
      expect([status, stderr]).to.deep.equal([0, '']);
      const results = JSON.parse(stdout) as Record<string, string>;
      const wrong = Object.entries(results).filter(([name, body]) => body !== '/body' && !untouched.includes(name));
      expect(wrong).to.deep.equal([]);
      expect(Object.keys(results)).to.deep.equal([...NAMES, ...NOT_BY_RULES]);
      const hosts = NAMES.filter((name) => !untouched.includes(name));
      expect(asked().toSorted()).to.deep.equal(hosts.map((name) => `${name}.example`).toSorted());
    });

    it(`works for a program in CommonJS with ${option}`, async () => {
      const app = program(
        'app.cjs',
        `require('net').connect(${told.plain}, 'cjs.example', function () { this.destroy(console.log('connected')); });`,
      );
      const { status, stdout, stderr } = await run(process.execPath, [option, file, app], { env });
      expect([status, stdout, stderr]).to.deep.equal([0, 'connected\n', '']);
      expect(asked()).to.deep.equal(['cjs.example']);
    });
  }

  it('changes one function of Node, and nothing in its environment', async () => {
    const file = program(
      'look.mjs',
      `import net from 'node:net'; import tls from 'node:tls'; import dns from 'node:dns'; import http from 'node:http';
       const parts = { net, tls, dns, http, Socket: net.Socket.prototype, TLSSocket: tls.TLSSocket.prototype,
         Agent: http.Agent.prototype, globalThis, env: process.env };
       const tell = ([name, part]) => Object.entries(Object.getOwnPropertyDescriptors(part)).map(([key, { value, ...is }]) =>
         [name + '.' + key, typeof value === 'object' ? 'object' : String(value), JSON.stringify(is)]);
       console.log(JSON.stringify(Object.entries(parts).flatMap(tell)));`,
    );
    const [plain, registered] = await Promise.all(
      [[], ['--import', REGISTER]].map(async (words) => {
        const { stdout } = await run(process.execPath, [...words, file], { env });
        return JSON.parse(stdout) as [name: string, value: string, is: string][];
      }),
    );
    const changed = registered?.filter((each, index) => String(each) !== String(plain?.[index]));
    expect(changed?.map(([name, , is]) => [name, is])).to.deep.equal([
      ['Socket.connect', '{"writable":true,"enumerable":true,"configurable":true}'],
    ]);
    expect(registered).to.have.length(plain?.length ?? 0);
  });

  it('gives the errors of net.connect, with ours as the cause', async () => {
    const file = program(
      'errors.mjs',
      `import { connect } from 'node:net';
       const results = [];
       for (const [port, host] of JSON.parse(process.argv[2])) {
         const error = await new Promise((resolve) => connect(port, host).once('error', resolve));
         const { message, code, errno, syscall, address, port: at, hostname, cause } = error;
         results.push({ message, code, errno, syscall, address, port: at, hostname, cause: cause?.code });
       }
       console.log(JSON.stringify(results));`,
    );
    const port = await refusedPort();
    const targets = JSON.stringify([
      [port, '127.0.0.1'],
      [22, 'no.such.invalid'],
      [0, '127.0.0.1'], // Node's own affair: nothing can be reached there
    ]);
    const [plain, registered] = await Promise.all(
      [[], ['--import', REGISTER]].map((words) => run(process.execPath, [...words, file, targets], { env })),
    );
    const ours = JSON.parse(registered?.stdout ?? '') as Record<string, unknown>[];
    expect(ours.map(({ cause }) => cause)).to.deep.equal(['unreachable', 'unknown-host', undefined]);
    expect(ours.map(({ cause, ...rest }) => rest)).to.deep.equal(JSON.parse(plain?.stdout ?? ''));
    const behind = JSON.stringify([[22, 'a.dead.example']]);
    const [{ message, ...dead } = {}] = JSON.parse(
      (await run(process.execPath, ['--import', REGISTER, file, behind], { env })).stdout,
    );
    expect(dead).to.include({ code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', cause: 'unreachable' });
    expect(message).to.match(/^connect ECONNREFUSED 127\.0\.0\.1:\d+: a\.dead\.example:22: rule 1 .*socks5h:/);
  });

  it('does as Node does with a socket that is connected a second time, and leaves no descriptor', async () => {
    const app = program(
      'twice.mjs',
      `import { readdirSync, statSync } from 'node:fs';
       import { once } from 'node:events';
       import { createServer, Socket } from 'node:net';
       const server = createServer((socket) => socket.on('error', () => {}).end()).listen(0, '127.0.0.1');
       await once(server, 'listening');
       const { port } = server.address();
       const isSocket = (fd) => statSync('/proc/self/fd/' + fd, { throwIfNoEntry: false })?.isSocket();
       const CASES = {
         atOnce: (connect) => (connect('127.0.0.1'), connect('127.0.0.1')),
         whenConnected: (connect) => connect('127.0.0.1').once('connect', () => connect('127.0.0.1')),
         whenClosed: (connect) => connect('127.0.0.1').once('close', () => connect('127.0.0.1')),
       };
       for (const [name, run] of Object.entries(CASES)) {
         const seen = [];
         const socket = new Socket();
         for (const event of ['connect', 'end', 'close']) socket.on(event, () => seen.push(event));
         socket.on('error', ({ code, message }) => seen.push(code, message.replace(/:\\d+ - Local .*/, '')));
         run((host) => socket.connect(port, host));
         socket.resume();
         do await new Promise((closed) => socket.once('close', closed)); while (socket.connecting);
         console.log(name, seen.join(' '));
       }
       server.close();
       await once(server, 'close');
       console.log('sockets', readdirSync('/proc/self/fd').filter(isSocket).length);`,
    );
    const plain = await run(process.execPath, [app], { env });
    expect(await run(process.execPath, ['--import', REGISTER, app], { env })).to.deep.equal(plain);
    expect(plain.stdout).to.match(/^atOnce EALREADY connect EALREADY 127\.0\.0\.1 close\n/);
  });

  it('connects a destroyed socket again, and not to what it was connected to before', async () => {
    const app = program(
      'again.mjs',
      `import { Socket } from 'node:net';
       const socket = new Socket().on('error', console.log);
       socket.connect(22, 'silent.example').destroy();
       socket.connect(${told.plain}, 'new-socket.example', () => socket.end('GET /body HTTP/1.0\\r\\n\\r\\n'));
       socket.setEncoding('utf8').on('data', (text) => console.log(text.split('\\r\\n\\r\\n')[1]));`,
    );
    const { status, stdout, stderr } = await run(process.execPath, ['--import', REGISTER, app], { env });
    expect([status, stdout, stderr]).to.deep.equal([0, '/body\n', '']);
  });

  it('leaves the dials of the program as they are, and nothing that their sockets cause later', async () => {
    const file = program(
      'dialer.mjs',
      `import { once } from 'node:events';
       import { connect } from 'node:net';
       import { createDialer } from ${JSON.stringify(FDPASS)};
       const dialer = createDialer({ rules: [{ use: 'direct' }] });
       const socket = await dialer.dial({ host: '127.0.0.1', port: ${told.plain} });
       const reached = (port) => new Promise((resolve) => {
         const later = connect(port, 'options.example', () => resolve(later.destroy()));
       });
       const inListener = new Promise((resolve) => socket.once('data', () => resolve(reached(${told.plain}))));
       socket.write('GET / HTTP/1.0\\r\\n\\r\\n');
       await Promise.all([inListener, once(socket, 'close')]);
       await reached(${told.plain});`,
    );
    const { status, stderr } = await run(process.execPath, ['--import', REGISTER, file], { env });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(asked()).to.deep.equal(['options.example', 'options.example']);
  });

  it('finds the rules and all that they need though the program has just looked at a socket', async () => {
    const file = program(
      'looked.mjs',
      `import { statSync } from 'node:fs';
       import { connect, createServer } from 'node:net';
       const path = process.argv[1] + '.socket';
       const server = createServer().listen(path, () => {
         statSync(path);
         connect(${told.plain}, 'options.example', () => process.exit());
       });`,
    );
    const without = { ...env, NODE_PATH: undefined }; // pnpm sets it for mocha, and everything is found by it
    const { status, stderr } = await run(process.execPath, ['--import', REGISTER, file], { env: without });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(asked()).to.deep.equal(['options.example']);
  });

  it('holds on to no socket that is closed, not even to the first, for which the rules are loaded', async () => {
    const file = program(
      'collected.mjs',
      `import { once } from 'node:events';
       import { connect } from 'node:net';
       import { setImmediate as turn } from 'node:timers/promises';
       const use = async (host) => {
         const socket = connect(${told.plain}, host);
         await once(socket, 'connect');
         await once(socket.destroy(), 'close');
         return new WeakRef(socket);
       };
       const used = [await use('options.example'), await use('127.0.0.1')];
       const left = () => used.filter((each) => each.deref() !== undefined).length;
       for (let turns = 0; turns < 100 && left() > 0; turns++) {
         await turn();
         gc(); // in a job of its own: what a WeakRef has been asked for lives to the end of one
       }
       console.log(left());`,
    );
    const words = ['--expose-gc', '--import', REGISTER, file];
    const { status, stdout, stderr } = await run(process.execPath, words, { env });
    expect([status, stdout, stderr]).to.deep.equal([0, '0\n', '']);
  });

  it('keeps to its time limits while a test of the program stops the clock', async () => {
    const silent = createServer((socket) => socket.resume());
    servers.push(silent);
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const limited = program(
      'limited.yaml',
      JSON.stringify({ rules: [{ timeout: '50ms', use: `socks5h://127.0.0.1:${port}` }] }),
    );
    const file = program(
      'stopped.mjs',
      `import { connect } from 'node:net';
       globalThis.setTimeout = globalThis.setImmediate = () => ({});
       globalThis.clearTimeout = () => console.log('given a timer that is not its own');
       connect(22, 'silent.example').once('error', ({ code }) => console.log(code)).once('close', () => process.exit());`,
    );
    const { stdout } = await run(process.execPath, ['--import', REGISTER, file], {
      env: { ...env, FDPASS_CONFIG: limited },
    });
    expect(stdout).to.equal('ETIMEDOUT\n');
  });

  it('connects nowhere if the config is wrong', async () => {
    const file = program(
      'wrong.mjs',
      `
      import { connect } from 'node:net';
      connect(${told.plain}, '127.0.0.1').once('connect', () => console.log('connected')).once('error', ({ code, message }) => console.log(code, message));`,
    );
    const wrong = program('wrong.yaml', 'rules: [{ hots: a, use: direct }]');
    const { stdout } = await run(process.execPath, ['--import', REGISTER, file], {
      env: { ...env, FDPASS_CONFIG: wrong },
    });
    expect(stdout).to.match(/^ERR_FDPASS_CONFIG .*hots.*"host"/);
  });
});
