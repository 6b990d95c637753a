import { getEventListeners, once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import type { Strategy } from '@fdpass/core';
import { expectNoDescriptorLeft, openDescriptors, run, temporaryFolder } from '@fdpass/test-lab';
import { Greeter, refusedPort, startSocksProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import {
  type ConnectionDialer,
  createDialer,
  type FdpassError,
  formatError,
  isFdpassError,
  type ProgressEvent,
} from '../dist/index.js';

const HOST = '127.0.0.1';

async function refusal(promise: Promise<unknown>): Promise<FdpassError> {
  const error = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (!isFdpassError(error)) throw error;
  return error;
}

/** A strategy whose streams are not sockets. */
const library: Strategy = {
  name: 'library',
  firstOnly: true,
  create: (_, host) => ({
    async dial(target, context) {
      const socket = (await host.open({ family: 4, host: HOST, port: target.port }, {}, context)).toStream();
      return Duplex.from({ readable: socket.pipe(new PassThrough()), writable: socket });
    },
  }),
};

describe('a dialer in a program of its own', () => {
  const folder = temporaryFolder();
  let openBefore: readonly string[];
  beforeEach(() => {
    openBefore = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(openBefore));
  after(() => folder.remove());

  const file = (name: string, content: string): string => {
    mkdirSync(join(folder.path, name, '..'), { recursive: true });
    writeFileSync(join(folder.path, name), content, { mode: 0o600 });
    return join(folder.path, name);
  };

  /** A server that greets, echoes until the end, and closes. */
  async function withServer(work: (port: number) => Promise<void>): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    server.on('connection', (socket) => socket.write('hello '));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    try {
      await work((server.address() as { port: number }).port);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async function talk(socket: Socket): Promise<string> {
    socket.end('and goodbye');
    return text(socket);
  }

  it('gives sockets that are ready to use, greeting and all', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      expect(await talk(await dialer.dial({ host: HOST, port }))).to.equal('hello and goodbye');
      const socket = await dialer.dial({ host: 'localhost', port: String(port) });
      await new Promise(setImmediate); // the greeting may arrive before anybody listens
      const first = await new Promise((resolve) => socket.once('data', resolve));
      expect(String(first)).to.equal('hello ');
      socket.destroy();
    }));

  it('loads what it needs though the program has just looked at a socket', () =>
    withServer(async (port) => {
      const script = `import { statSync } from 'node:fs';
        import { Session } from 'node:inspector';
        import { createServer } from 'node:net';
        import { createDialer } from ${JSON.stringify(import.meta.resolve('../dist/index.js'))};
        const session = new Session();
        session.connect();
        const loaded = [];
        session.on('Debugger.scriptParsed', ({ params }) => loaded.push(params.url));
        session.post('Debugger.enable');
        const path = ${JSON.stringify(join(folder.path, 'socket'))};
        const server = createServer().listen(path, async () => {
          statSync(path);
          const dialer = createDialer({ rules: [{ host: 'hidden', use: 'socks5h://127.0.0.1:1' }, { use: 'direct' }] });
          (await dialer.dial({ host: '127.0.0.1', port: ${port} })).destroy();
          statSync(path);
          console.log((await dialer.dial('hidden:22').catch((error) => error)).message, loaded.join());
          server.close();
        });`;
      const env = { NODE_PATH: undefined }; // pnpm sets it for mocha, and everything is found by it
      const { status, stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', script], {
        env,
      });
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(stdout)
        .to.match(/connection refused/)
        .and.not.include('/node_modules/@fdpass/'); // our own packages are links there, and would be loaded twice
    }));

  it('works in worker threads, which end before the program and leave no descriptor', () =>
    withServer(async (port) => {
      const worker = file(
        'worker.mjs',
        `import { once } from 'node:events';
         import { createDialer } from ${JSON.stringify(import.meta.resolve('../dist/index.js'))};
         const dialer = createDialer({ use: 'direct' });
         for (let dials = 0; dials < 20; dials++) {
           const socket = await dialer.dial({ host: '127.0.0.1', port: ${port} });
           socket.end();
           await once(socket.resume(), 'close');
         }`,
      );
      const program = file(
        'starts-worker.mjs',
        `import { once } from 'node:events';
         import { readdirSync } from 'node:fs';
         import { Worker } from 'node:worker_threads';
         const open = [];
         for (let workers = 0; workers < 3; workers++) {
           console.log(await once(new Worker(${JSON.stringify(worker)}), 'exit'));
           open.push(readdirSync('/proc/self/fd').length);
         }
         console.log('more', open[2] - open[0]);`,
      );
      const result = await run(process.execPath, [program]);
      expect(result).to.deep.equal({ status: 0, signal: null, stdout: '[ 0 ]\n[ 0 ]\n[ 0 ]\nmore 0\n', stderr: '' });
    }));

  it('ends its side when the other has ended, as a socket of net.connect does', async () => {
    const server = createServer((socket) => socket.end('bye'));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const dialer = createDialer({ config: false });
    const socket = await dialer.dial({ host: HOST, port: (server.address() as { port: number }).port });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    await new Promise((resolve) => server.close(resolve));
  });

  it('goes by rules in code, a config in code, a file, and a folder', () =>
    withServer(async (port) => {
      const rules = [{ host: 'nas', use: { strategy: 'direct', host: HOST } }] as const;
      const yaml = 'rules: [ { host: nas, use: { strategy: direct, host: 127.0.0.1 } } ]\n';
      const ways = [
        { rules },
        { config: { hops: { home: { strategy: 'direct', host: HOST } }, rules: [{ host: 'nas', use: 'home' }] } },
        { config: file('some.yaml', yaml) },
        { searchFrom: join(file('program/fdpass.yaml', yaml), '..') },
      ];
      for (const options of ways) {
        const dialer = createDialer(options);
        await dialer.check();
        expect(await talk(await dialer.dial({ host: 'nas', port })), JSON.stringify(options)).to.equal(
          'hello and goodbye',
        );
      }
    }));

  it('explains a route', async () => {
    const dialer = createDialer({
      config: {
        rules: [
          { port: 80, use: 'direct' },
          { name: 'tor', use: 'socks5h://me:secret@127.0.0.1:9050' },
        ],
      },
    });
    const explanation = await dialer.explain({ host: 'host.example', port: 22 });
    expect(explanation).to.deep.include({
      config: '(config)',
      reason: 'rule 2 "tor" (config.rules[1])',
      relay: false,
      timeoutMs: 30_000,
      skipped: [{ rule: 1, why: 'port', wanted: ['80'], where: { file: 'config.rules[0]', line: 0, column: 0 } }],
    });
    expect(JSON.stringify(explanation)).to.include('9050').and.not.include('secret');
  });

  describe('refuses', () => {
    const cases: readonly [what: string, make: () => Promise<unknown>, says: RegExp][] = [
      ['rules and a config', async () => createDialer({ rules: [], config: false }), /usage: give one of/],
      [
        'a plugin by name without a folder',
        async () => createDialer({ plugins: ['x'] }),
        /usage: a plugin is named.*baseDir/,
      ],
      [
        'an unknown key',
        () => createDialer({ rules: [{ hots: 'x', use: 'direct' } as never] }).check(),
        /config\.rules\[0\]\.hots.*"host"/,
      ],
      [
        'an unknown strategy',
        () => createDialer({ rules: [{ use: 'nope' }] }).check(),
        /config\.rules\[0\].*this word is neither a hop/,
      ],
      ...(
        [
          [
            { proxys: ['socks5://127.0.0.1:1'] },
            /usage: createDialer has no option of this name; use one of: use, rules, config/,
          ],
          [{ rule: [] }, /usage: createDialer has no "rule"; did you mean "rules"\?/],
          [{ rules: [], timeuot: 5 }, /usage: createDialer has no "timeuot"; did you mean "timeout"\?/],
          [{ ues: 'direct' }, /did you mean "use"\?/],
          [{ first: ['direct'] }, /createDialer has no option of this name/],
          [{ firstOff: ['direct'] }, /createDialer has no option of this name/],
          [{ config: null }, /usage: createDialer: "config" is null; leave it out/],
          [null, /usage: createDialer is not an object/],
          [{ use: 'direct', rules: [] }, /usage: give one of/],
          [{ timeout: 'soon' }, /usage: .*time limit/],
        ] as const
      ).map(([options, says]): [string, () => Promise<unknown>, RegExp] => [
        `options that are wrong: ${JSON.stringify(options)}`,
        async () => createDialer(options as never),
        says,
      ]),
      ...(
        [
          [{ config: { rulez: [] } }, /config\.rulez: .*did you mean "rules"\?/],
          [{ config: { defaults: { timeuot: '1s' }, rules: [] } }, /config\.defaults\.timeuot: .*"timeout"/],
          [{ config: { hops: { a: { strateg: 'socks' } }, rules: [{ use: 'a' }] } }, /strateg/],
          ['sokcs5h://127.0.0.1:1', /did you mean "socks5h"/],
          ['happy-eyebals', /did you mean "happy-eyeballs"/],
          [['direct', 'dirct'], /did you mean "direct"/],
        ] as const
      ).map(([options, says]): [string, () => Promise<unknown>, RegExp] => [
        `names that are wrong further down: ${JSON.stringify(options)}`,
        () => createDialer(options as never).dial({ host: HOST, port: 1 }),
        says,
      ]),
      ...(
        [
          [{ tmeout: '1s' }, /usage: dial has no "tmeout"; did you mean "timeout"\?/],
          [{ vai: 'socks5://127.0.0.1:1' }, /usage: dial has no "vai"; did you mean "via"\?/],
          [{ via: null }, /usage: dial: "via" is null/],
          ['1s', /usage: dial is not an object/],
        ] as const
      ).map(([options, says]): [string, () => Promise<unknown>, RegExp] => [
        `options of a dial that are wrong: ${JSON.stringify(options)}`,
        () => createDialer('direct').dial(`${HOST}:1`, options as never),
        says,
      ]),
      ...(
        [
          [{ hots: HOST, port: 1 }, /usage: the target has no "hots"; did you mean "host"\?/],
          [{ host: HOST, port: 1, usr: 'me' }, /usage: the target has no "usr"; did you mean "user"\?/],
          [{ host: HOST }, /usage: the target has no port; write "host:22"/],
          [{ port: 22 }, /usage: the target has no host/],
          [HOST, /usage: the target has no port; write "host:22", "\[2001:db8::1\]:22" or \{ host, port \}/],
          ['::1', /usage: the target is an address without brackets/],
          ['2001:db8::1:22', /usage: the target is an address without brackets/],
          ['ssh://me:secret@host:22', /usage: the target is a URL; (?!.*secret)/],
          ['host:', /usage: the target has no port/],
          ['host:ssh', /usage: the target has no port/],
          ['host:0', /usage: .*port/],
          ['host:65536', /usage: .*port/],
          [':22', /usage: the host is empty/],
          ['-oProxy:22', /usage: .*dash/],
          [undefined, /usage: the target is not an object/],
        ] as const
      ).map(([target, says]): [string, () => Promise<unknown>, RegExp] => [
        `a target that is wrong: ${JSON.stringify(target)}`,
        () => createDialer('direct').dial(target as never),
        says,
      ]),
      ['a wrong target', () => createDialer({ config: false }).dial({ host: '-oProxy', port: 22 }), /usage: .*dash/],
      [
        'a wrong time limit',
        () => createDialer({ config: false }).dial({ host: HOST, port: 22 }, { timeout: 'soon' }),
        /usage: "timeout" is not a time limit/,
      ],
      [
        'a plugin that is not there',
        () => createDialer({ plugins: ['./x.js'], baseDir: folder.path }).check(),
        /config: plugins\[0\]: the plugin "\.\/x\.js"/,
      ],
      [
        'a folder without a config',
        () => createDialer({ searchFrom: join(folder.path, 'none') }).dial({ host: HOST, port: 1 }),
        /./,
      ],
    ];
    for (const [what, make, says] of cases) {
      it(what, async () => {
        const error = await refusal(Promise.resolve().then(make));
        expect(`${error.code}: ${formatError(error)}`).to.match(says);
      });
    }
  });

  it('takes one route in place of options, and targets as one text', () =>
    withServer(async (port) => {
      const proxy = await startSocksProxy();
      const url = `socks5h://127.0.0.1:${proxy.port}`;
      const hop = { strategy: 'socks', url };
      const dialers: readonly (readonly [dialer: ConnectionDialer, label: string])[] = [
        [createDialer('direct'), 'direct'],
        [createDialer(url), url],
        [createDialer(['direct', url]), 'direct -> URL'],
        [createDialer(hop), url],
        [createDialer({ firstOf: [url, 'direct'] } as never), 'first-of'],
        [createDialer({ use: hop, timeout: '10s' }), url],
      ];
      for (const [dialer, label] of dialers) {
        const { route } = await dialer.explain(`${HOST}:${port}`);
        expect(route.map((each) => each.label).join(' -> ')).to.equal(label.replace('URL', url));
        expect(await talk(await dialer.dial(`${HOST}:${port}`)), label).to.equal('hello and goodbye');
      }
      await proxy.close();
    }));

  it('reads targets that are written as one text', async () => {
    const dialer = createDialer('direct');
    const read = async (text: string): Promise<unknown> => (await dialer.explain(text)).target;
    expect(await read('Host.Example:22')).to.deep.equal({ host: 'host.example', port: 22 });
    expect(await read('[2001:DB8::1]:22')).to.deep.equal({ host: '2001:db8::1', port: 22 });
    expect(await read('[fe80::1%eth0]:22')).to.deep.equal({ host: 'fe80::1%eth0', port: 22 });
    expect(await read('unix/run/a:b:1')).to.deep.equal({ host: 'unix/run/a:b', port: 1 });
  });

  it('takes strategies of the program, and streams that are not sockets', () =>
    withServer(async (port) => {
      const dialer = createDialer({ rules: [{ use: 'library' }], plugins: [library] });
      expect(await talk(await dialer.dial({ host: 'any.example', port }))).to.equal('hello and goodbye');
    }));

  it('carries much through a stream that is not a socket, both ways', () =>
    withServer(async (port) => {
      const dialer = createDialer({ rules: [{ use: 'library' }], plugins: [library] });
      const socket = await dialer.dial({ host: 'any.example', port });
      const sent = Buffer.alloc(5_000_000, 'payload ');
      socket.end(sent);
      const received = await buffer(socket);
      expect(received.subarray(6).equals(sent)).to.equal(true);
    }));

  it('loads plugins by name from the folder it is told', () =>
    withServer(async (port) => {
      file('plugin.cjs', `exports.mine = { name: 'mine', create: (options, host) => host.forward };\n`);
      const dialer = createDialer({ rules: [{ use: 'mine' }], plugins: ['./plugin.cjs'], baseDir: folder.path });
      expect(await talk(await dialer.dial({ host: HOST, port }))).to.equal('hello and goodbye');
    }));

  it('looks names up as it is told', () =>
    withServer(async (port) => {
      const asked: string[] = [];
      const dialer = createDialer({
        config: false,
        lookup(host, _options, done) {
          asked.push(host);
          done(null, [{ address: HOST, family: 4 }]);
        },
      });
      expect(await talk(await dialer.dial({ host: 'nowhere.invalid', port }))).to.equal('hello and goodbye');
      expect(asked).to.include('nowhere.invalid');
    }));

  it('dials through hops named for one dial', () =>
    withServer(async (port) => {
      const dialer = createDialer({ rules: [{ use: 'socks5://127.0.0.1:1' }] });
      const via = { strategy: 'direct', host: HOST };
      expect(await talk(await dialer.dial({ host: 'other.example', port }, { via }))).to.equal('hello and goodbye');
    }));

  it('reports progress, of each dial and of all', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      const all: ProgressEvent[] = [];
      const one: string[] = [];
      dialer.on('progress', (event) => all.push(event));
      const sockets = await Promise.all([
        dialer.dial({ host: HOST, port }, { onProgress: ({ event }) => one.push(event) }),
        dialer.dial({ host: HOST, port }),
      ]);
      for (const socket of sockets) socket.destroy();
      expect(one).to.include.members(['dial', 'attempt', 'connected']);
      expect(new Set(all.map(({ dial }) => dial))).to.deep.equal(new Set([1, 2]));
      expect(all.every(({ target }) => target.port === port)).to.equal(true);
    }));

  it('begins no dial before the caller has its promise, also where everything is known already', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      (await dialer.dial({ host: HOST, port })).destroy();
      let hasPromise = false;
      const early: string[] = [];
      const onProgress = ({ event }: ProgressEvent['step']): void => void (hasPromise || early.push(event));
      const dial = dialer.dial({ host: HOST, port }, { onProgress });
      hasPromise = true;
      (await dial).destroy();
      expect(early).to.deep.equal([]);
    }));

  it('connects to nothing for a dial that is aborted at once', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      (await dialer.dial({ host: HOST, port })).destroy();
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const steps: string[] = [];
      const dial = dialer.dial(
        { host: HOST, port },
        { signal: controller.signal, onProgress: ({ event }) => steps.push(event) },
      );
      controller.abort(reason);
      expect(await dial.catch((error: unknown) => error)).to.equal(reason);
      expect(steps).to.deep.equal([]);
    }));

  it('waits for a dial that closes the dialer itself', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      (await dialer.dial({ host: HOST, port })).destroy();
      const order: string[] = [];
      let closing: Promise<unknown> | undefined;
      const onProgress = (): void => {
        closing ??= dialer.close().then(() => order.push('closed'));
      };
      const dial = dialer.dial({ host: HOST, port }, { onProgress }).catch(() => order.push('rejected'));
      await dial;
      await closing;
      expect(order).to.deep.equal(['rejected', 'closed']);
    }));

  it('goes on dialling when a listener throws, which is its program’s affair', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      dialer.on('progress', () => {
        throw new Error('a listener’s own');
      });
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const uncaught: string[] = [];
      process.on('uncaughtException', (error) => uncaught.push(error.message));
      try {
        expect(await talk(await dialer.dial({ host: HOST, port }))).to.equal('hello and goodbye');
      } finally {
        process.removeAllListeners('uncaughtException');
        for (const listener of others) process.on('uncaughtException', listener);
      }
      expect(new Set(uncaught)).to.deep.equal(new Set(['a listener’s own']));
    }));

  it('makes a thousand dials at once, each its own', () =>
    withServer(async (port) => {
      const dialer = createDialer({ config: false });
      const dials = Array.from({ length: 1000 }, (_, index) =>
        dialer.dial({ host: index % 2 ? HOST : 'localhost', port }),
      );
      const sockets = await Promise.all(dials);
      const heard = await Promise.all(
        sockets.map((socket, index) => {
          socket.end(`${index}`);
          return text(socket);
        }),
      );
      expect(heard.every((said, index) => said === `hello ${index}`)).to.equal(true);
    }));

  for (const [name, use, isTarget] of [
    ['direct', () => 'direct', true],
    ['Happy Eyeballs', () => 'happy-eyeballs', true],
    ['a proxy', (port: number) => `socks5h://${HOST}:${port}`, false],
  ] as const) {
    it(`has the system error that net.connect gives as the cause of a refusal: ${name}`, async () => {
      const port = await refusedPort();
      const fields = ({
        code,
        errno,
        syscall,
        address,
        port,
      }: NodeJS.ErrnoException & { address?: string; port?: number }) => ({ code, errno, syscall, address, port });
      const [expected] = await once(connect({ host: HOST, port }), 'error');
      const target = isTarget ? { host: HOST, port } : { host: 'far.example', port: 22 };
      const error = await refusal(createDialer(use(port)).dial(target));
      expect(error.code).to.equal('unreachable');
      expect(fields(error.cause as NodeJS.ErrnoException)).to.deep.equal(fields(expected));
    });
  }

  it('names rule, hop and address when it cannot connect', async () => {
    const dialer = createDialer({ rules: [{ use: 'direct' }] });
    const error = await refusal(dialer.dial({ host: HOST, port: await refusedPort() }));
    expect(error.code).to.equal('unreachable');
    expect(formatError(error)).to.match(/config\.rules\[0\].*direct.*127\.0\.0\.1:\d+: connection refused/);
  });

  it('rejects with the abort reason, before and in the middle, and lets go of the signal', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).resume()); // a proxy that says nothing
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const dialer = createDialer({
      rules: [{ use: `socks5h://127.0.0.1:${(server.address() as { port: number }).port}` }],
    });
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    server.once('connection', () => controller.abort(reason));
    const target = { host: 'host.example', port: 22 };
    expect(await dialer.dial(target, { signal: controller.signal }).catch((error) => error)).to.equal(reason);
    expect(await dialer.dial(target, { signal: controller.signal }).catch((error) => error)).to.equal(reason);
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
    server.close();
  });

  it('lets one signal stand for many dials, without a warning of a leak', () =>
    withServer(async (port) => {
      const warnings: string[] = [];
      const listen = ({ message }: Error): void => void warnings.push(message);
      process.on('warning', listen);
      const dialer = createDialer({ config: false });
      const { signal } = new AbortController();
      const dials = Array.from({ length: 20 }, () => dialer.dial({ host: HOST, port }, { signal }));
      for (const socket of await Promise.all(dials)) socket.destroy();
      await new Promise(setImmediate); // Node warns in a later turn
      process.off('warning', listen);
      expect(warnings).to.deep.equal([]);
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
    }));

  it('takes a signal that is not Node’s own', () =>
    withServer(async (port) => {
      const { signal } = new AbortController();
      const foreign = {
        aborted: false,
        reason: undefined,
        throwIfAborted() {},
        addEventListener: signal.addEventListener.bind(signal),
        removeEventListener: signal.removeEventListener.bind(signal),
      } as unknown as AbortSignal;
      (await createDialer({ config: false }).dial({ host: HOST, port }, { signal: foreign })).destroy();
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
    }));

  it('keeps its time limits', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as { port: number };
    const dialer = createDialer({ rules: [{ use: `socks5h://127.0.0.1:${port}` }], timeout: 50 });
    for (const options of [{}, { timeout: '60ms' }]) {
      expect((await refusal(dialer.dial({ host: 'host.example', port: 22 }, options))).code).to.equal('timeout');
    }
    const direct = createDialer({ config: false });
    const error = await refusal(direct.dial({ host: HOST, port }, { tls: true, timeout: 50 }));
    expect(error.code).to.equal('timeout'); // connected at once; TLS is never answered
    server.close();
  });

  it('tells of a server that does not speak TLS', async () => {
    const greeter = (await Greeter.listen(HOST)) as Greeter;
    const error = await refusal(
      createDialer({ config: false }).dial({ host: HOST, port: greeter.port }, { tls: true }),
    );
    expect(error.code).to.equal('protocol');
    expect(formatError(error)).to.match(/127\.0\.0\.1.*TLS/);
    await greeter.close();
  });

  it('when closed, ends what is under way, refuses what comes later, and leaves what it gave', () =>
    withServer(async (port) => {
      const silent = createServer((socket) => socket.on('error', () => {}).resume());
      await new Promise<void>((resolve) => silent.listen(0, HOST, resolve));
      const proxy = `socks5h://127.0.0.1:${(silent.address() as { port: number }).port}`;
      const dialer = createDialer({ rules: [{ host: 'slow', use: proxy }] });
      const socket = await dialer.dial({ host: HOST, port });
      const connected = new Promise((resolve) => silent.once('connection', resolve));
      const slow = refusal(dialer.dial({ host: 'slow', port: 22 }));
      await connected;
      await dialer[Symbol.asyncDispose]();
      expect((await slow).message).to.match(/closed/);
      expect((await refusal(dialer.dial({ host: HOST, port }))).message).to.match(/closed/);
      expect(await talk(socket)).to.equal('hello and goodbye');
      silent.close();
    }));
});
