import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { Greeter, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, fdpassOnto, fdrecv, NO_CONFIG } from './commands.spec.helper.js';

const bin = (name: string): string => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));

/** A plugin whose dialer does this; `host`, `target` and `context` are there. */
const dialing = (body: string): string =>
  `export const it = { name: 'it', create: (options, host) => ({ async dial(target, context) { ${body} } }) };\n`;

/** A module that makes Node's timers fifty times as fast. */
const HURRIED =
  'data:text/javascript,const set = setTimeout; globalThis.setTimeout = (action, ms) => set(action, ms / 50);';

/** A module that reports each built-in module that is loaded on demand. */
const REPORTING = `data:text/javascript,${encodeURIComponent(`const load = process.getBuiltinModule;
process.getBuiltinModule = (name) => { console.error('loads ' + name); return load(name); };`)}`;

describe('the compiled code of plugins', () => {
  const folder = temporaryFolder();
  const cache = join(folder.path, 'cache');
  const config = join(folder.path, 'config.yaml');
  let greeter: Greeter;
  before(async () => {
    writeFileSync(join(folder.path, 'plugin.mjs'), dialing('return host.forward.dial(target, context)'), {
      mode: 0o600,
    });
    writeFileSync(config, 'plugins: ["./plugin.mjs"]\nrules: [ { use: it } ]\n', { mode: 0o600 });
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
  });
  after(async () => {
    await greeter.close();
    folder.remove();
  });

  /** Connects, as a program that ends by _exit(2). */
  const connect = (...options: readonly string[]): Promise<Finished> =>
    run(process.execPath, [...options, '127.0.0.1', String(greeter.port)], {
      env: { ...NO_CONFIG, XDG_CACHE_HOME: cache },
      input: '',
    });

  it('is kept by Node for the next start', async function () {
    const { flushCompileCache } = process.getBuiltinModule('node:module') as { flushCompileCache?: unknown };
    if (flushCompileCache === undefined) this.skip();
    // Bundles are not kept by a start with options for Node.
    const { status, stderr } = await connect('--import', 'data:text/javascript,', FDPASS_BIN, '--config', config);
    expect([status, stderr]).to.deep.equal([0, '']);
    const own = readdirSync(join(cache, 'fdpass')).find((name) => name.startsWith(process.version)); // Node names it so
    expect(own).to.be.a('string');
    expect(readdirSync(join(cache, 'fdpass', own ?? ''))).to.not.be.empty;
  });

  const starts: readonly [what: string, options: readonly string[], loads: boolean][] = [
    ['with plugins', ['--config', config], true],
    ['without plugins', [], false],
  ];
  for (const [what, options, loads] of starts) {
    it(`${loads ? 'makes' : 'does not make'} a start ${what} load node:module`, async () => {
      const { status, stderr } = await connect('--import', REPORTING, FDPASS_BIN, ...options);
      expect([status, stderr.split('\n').includes('loads node:module')]).to.deep.equal([0, loads]);
    });
  }
});

describe('plugins that misbehave', () => {
  const folder = temporaryFolder();
  const { env, marker } = markedEnvironment();
  let greeter: Greeter;
  before(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
  });
  after(async () => {
    await greeter.close();
    folder.remove();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  function write(name: string, text: string): string {
    writeFileSync(join(folder.path, name), text, { mode: 0o600 });
    return join(folder.path, name);
  }

  /** A config with one plugin. */
  function writePlugin(code: string): string {
    write('plugin.mjs', code);
    return write('config.yaml', 'plugins: ["./plugin.mjs"]\nrules:\n  - { name: odd, use: it }\n');
  }

  /** `fdpass` with one plugin in its config, to a server that greets. */
  async function withPlugin(code: string, ...more: readonly string[]): Promise<Finished> {
    const config = writePlugin(code);
    return fdpass(['--config', config, ...more, '127.0.0.1', String(greeter.port)], { env, input: undefined });
  }

  const failures: readonly [what: string, code: string, status: number, says: RegExp][] = [
    [
      'throws while it loads',
      "throw new Error('bad day');",
      78,
      /config\.yaml:1:11: the plugin "\.\/plugin\.mjs": bad day/,
    ],
    [
      'is not JavaScript',
      'export const a = 1;\nexport const = ;\n',
      78,
      /config\.yaml:1:11: the plugin .*: \/\S+\/plugin\.mjs:2: Unexpected token '='/,
    ],
    [
      'exports nothing of use',
      'export const it = { name: 7 };',
      78,
      /config\.yaml:1:11.*does not export a strategy.*"name" and "create"/,
    ],
    [
      'is of another version',
      "export const it = { name: 'it', apiVersion: 99, create() {} };",
      78,
      /config\.yaml:1:11.*it is made for version 99.*this is version 2.*update fdpass/,
    ],
    [
      'takes a name that is taken',
      "export const it = { name: 'socks', create() {} };",
      78,
      /config\.yaml:1:11.*"socks" is registered twice/,
    ],
    [
      'throws when it is created',
      "export const it = { name: 'it', create() { throw new TypeError('oops') } };",
      78,
      /rule 1 "odd".*it: the plugin "\.\/plugin\.mjs" failed to start: oops/,
    ],
    [
      'creates no dialer',
      "export const it = { name: 'it', create() {} };",
      78,
      /rule 1 "odd".*it: the plugin "\.\/plugin\.mjs" returned no dialer from create/,
    ],
    [
      'throws when it dials',
      dialing("throw new RangeError('too far')"),
      70,
      /rule 1 "odd".*it: the plugin "\.\/plugin\.mjs" failed: too far/,
    ],
    ['throws what is not an error', dialing("throw 'a tantrum'"), 70, /rule 1 "odd".*it: .*failed: a tantrum/],
    ['gives nothing', dialing(''), 70, /rule 1 "odd".*it: the plugin "\.\/plugin\.mjs" gave no connection/],
    [
      'gives junk',
      dialing('return { pipe: 7 }'),
      70,
      /rule 1 "odd".*it: the plugin "\.\/plugin\.mjs" gave no connection/,
    ],
    [
      'dials on without a port',
      dialing('return host.forward.dial({ host: target.host }, context)'),
      70,
      /rule 1 "odd".*: it: the plugin "\.\/plugin\.mjs" called dial\(\) without a port; give it \{ host, port \}/,
    ],
    [
      'dials a nested route without a port',
      dialing("return (await host.route('direct')).dial({ host: target.host }, context)"),
      70,
      /: it: the plugin "\.\/plugin\.mjs" called dial\(\) without a port/,
    ],
    [
      'dials on with a text for a port',
      dialing("return host.forward.dial({ host: target.host, port: '22' }, context)"),
      70,
      /: it: the plugin "\.\/plugin\.mjs" called dial\(\) with a port that is not a number from 1 to 65535/,
    ],
    [
      'dials on without a host',
      dialing('return host.forward.dial(undefined, context)'),
      70,
      /: it: the plugin "\.\/plugin\.mjs" called dial\(\) without a host/,
    ],
    [
      'dials on without the context',
      dialing('return host.forward.dial(target)'),
      70,
      /: it: the plugin "\.\/plugin\.mjs" called dial\(\) without the context of its own dial; pass it on/,
    ],
    [
      'reads from the socket that it gives',
      dialing(`const s = (await host.forward.dial(target, context)).toStream();
  await new Promise((resolve) => s.resume().once('data', resolve)); return s`),
      70,
      /: it: the plugin "\.\/plugin\.mjs" gave a socket that it has read from: .*; read through the connection/,
    ],
    [
      'reads from a socket of its own and puts back half',
      `import { connect } from 'node:net';
${dialing(`const s = connect(target); await new Promise((resolve) => s.once('readable', resolve));
  s.unshift(s.read().subarray(4)); return s`)}`,
      70,
      /: it: the plugin "\.\/plugin\.mjs" gave a socket that it has read from/,
    ],
    [
      'never settles',
      dialing('await new Promise(() => setInterval(() => {}, 1000))'),
      75,
      /rule 1 "odd".*it: timed out/,
    ],
    [
      'forgets a rejection',
      dialing("Promise.reject(new Error('lost')); throw new Error('seen')"),
      70,
      /it: .*seen|lost/,
    ],
    [
      'gives a stream that is closed',
      dialing('const s = (await host.forward.dial(target, context)).toStream(); s.destroy(); return s'),
      70,
      /rule 1 "odd".*it/,
    ],
  ];
  for (const [what, code, status, says] of failures) {
    it(`${what}: one clear line`, async () => {
      const limit = status === 75 ? '1s' : '60s';
      const { status: ended, stdout, stderr } = await withPlugin(code, '--timeout', limit, '--fdpass');
      expect(stderr).to.match(says);
      expect(stderr)
        .to.match(/^fdpass: .*\n$/)
        .and.not.match(/\n\s+at /);
      expect([ended, stdout]).to.deep.equal([status, '']);
    });
  }

  const noise = (when: string): string => `console.log('log ${when}'); process.stdout.write('write ${when}\\n');
  await new Promise((resolve) => spawn('echo', ['child ${when}'], { stdio: 'inherit' }).once('close', resolve));`;
  const noisy = `import { spawn } from 'node:child_process';
${noise('at load')}
export const it = { name: 'it', async create(options, host) { ${noise('in create')}
  setInterval(() => console.log('a timer'), 1).unref();
  return { async dial(target, context) { ${noise('in dial')} return host.forward.dial(target, context); } }; } };\n`;
  const NOISE = ['at load', 'in create', 'in dial'].flatMap((when) =>
    ['log', 'write', 'child'].map((how) => `${how} ${when}`),
  );

  it('prints: that goes to stderr, and the descriptor is handed over', async () => {
    write('plugin.mjs', noisy);
    const config = write('config.yaml', 'plugins: ["./plugin.mjs"]\nrules: [ { use: it } ]\n');
    const words = [process.execPath, bin('fdpass'), '--config', config, '127.0.0.1', String(greeter.port)];
    const { status, stdout, stderr } = await fdrecv(words, { env });
    expect([status, stdout]).to.match(/^0,inet stream local \S+ peer 127\.0\.0\.1:\d+\n$/);
    expect(stderr.split('\n')).to.include.members(NOISE);
  });

  it('prints: the bytes of a relay and the answers of other commands stay clean', async () => {
    const relayed = await withPlugin(noisy, '--stdio');
    expect([relayed.status, relayed.stdout]).to.deep.equal([0, 'SSH-2.0-greeter\r\n']);
    expect(relayed.stderr.split('\n')).to.include.members(NOISE);
    const config = join(folder.path, 'config.yaml');
    const explained = await fdpass(['explain', '--json', '--config', config, 'host.example'], { env });
    expect(JSON.parse(explained.stdout)).to.have.nested.property('route[0].strategy', 'it');
    const checked = await fdpass(['check', '--config', config], { env });
    expect(checked.stdout).to.match(/^\S+config\.yaml: 1 rule, no errors\n$/);
    const toFile = join(folder.path, 'answer');
    const file = openSync(toFile, 'w');
    await fdpassOnto(file, ['explain', '--json', '--config', config, 'host.example']);
    closeSync(file);
    expect(JSON.parse(readFileSync(toFile, 'utf8'))).to.have.nested.property('route[0].strategy', 'it');
  });

  it('fails: with -vv and in the log its stack is shown, and with -v only one line', async () => {
    const log = join(folder.path, 'log');
    const codes: readonly (readonly [code: string, says: RegExp])[] = [
      [dialing("\n  throw new RangeError('too far')"), /^ {4}RangeError: too far\n {4}at .*plugin\.mjs:2:9/m],
      ["export const it = { name: 'it', create() {\n  null.x } };", /^ {4}TypeError: .*\n {4}at .*plugin\.mjs:2:8/m],
      ["\n\nthrow new Error('bad day');", /^ {4}Error: bad day\n {4}at .*plugin\.mjs:3:7/m],
      [
        dialing("\n  setImmediate(() => { throw new Error('later') }); await new Promise(() => {})"),
        /^ {4}Error: later\n {4}at .*plugin\.mjs:2/m,
      ],
      [
        dialing('\n  return host.forward.dial({ host: target.host }, context)'),
        /^ {4}.*\n(?: {4}at .*\n)+?.*plugin\.mjs:2/m,
      ],
    ];
    for (const [code, says] of codes) {
      expect((await withPlugin(code, '--stdio', '-vv')).stderr, code).to.match(says);
      expect((await withPlugin(code, '--stdio', '-v')).stderr, code).to.not.match(/^\s+at /m);
    }
    await withPlugin(dialing("\n  throw new RangeError('too far')"), '--stdio', '--log', log);
    expect(readFileSync(log, 'utf8')).to.match(/ failed error=.*\n.* {4}RangeError: too far\n.*plugin\.mjs:2:9/);
  });

  it('fails in a relay process: with -vv its stack is shown too', async () => {
    const code = `export const it = { name: 'it', create: () => ({ needsRelay: () => true,
  async dial() { throw new RangeError('too far') } }) };\n`;
    const { status, stderr } = await withPlugin(code, '--fdpass', '-vv');
    expect(status).to.equal(70);
    expect(stderr).to.match(/ failed: too far\n {4}RangeError: too far\n {4}at .*plugin\.mjs:2/);
  });

  it('reports times in whole milliseconds with -v', async () => {
    const { stderr } = await withPlugin(dialing('return host.forward.dial(target, context)'), '--stdio', '-vv');
    expect(stderr)
      .to.match(/^fdpass: +\d+ ms +connected to .* in \d+ ms$/m)
      .and.not.match(/\d\.\d+ ms|\de-?\d+ ms/);
  });

  it('hangs while it loads: one clear line', async () => {
    const config = writePlugin('await new Promise(() => {});\n');
    const words = ['--import', HURRIED, FDPASS_BIN, '--config', config, '127.0.0.1', String(greeter.port)];
    const { status, stderr } = await run(process.execPath, words, { env: { ...NO_CONFIG, ...env }, input: '' });
    expect(status).to.equal(78);
    expect(stderr).to.match(
      /^fdpass: \[config\] .*config\.yaml:1:11: the plugin "\.\/plugin\.mjs": .*did not load within 5 s.*\n$/,
    );
  });

  const survivors: readonly [what: string, code: string][] = [
    [
      'leaks a socket',
      `import { connect } from 'node:net';
${dialing('connect(target.port, target.host).on("error", () => {}); return host.forward.dial(target, context)')}`,
    ],
    ['leaves a timer', dialing('setInterval(() => {}, 1000); return host.forward.dial(target, context)')],
    [
      'reads ahead',
      dialing(`const s = (await host.forward.dial(target, context)).toStream();
  await new Promise((resolve) => s.once('readable', resolve)); s.unshift(s.read(3)); return s`),
    ],
    [
      'gives a stream that flows',
      dialing('const s = (await host.forward.dial(target, context)).toStream(); return s.resume().pause()'),
    ],
    [
      'gives a stream that is not a socket',
      `import { Duplex, PassThrough } from 'node:stream';
${dialing('const s = (await host.forward.dial(target, context)).toStream(); return Duplex.from({ readable: s.pipe(new PassThrough()), writable: s })')}`,
    ],
  ];
  for (const [what, code] of survivors) {
    it(`${what}: the connection is whole all the same`, async () => {
      write('plugin.mjs', code);
      const config = write('config.yaml', 'plugins: ["./plugin.mjs"]\nrules: [ { use: it } ]\n');
      const words = [process.execPath, bin('fdpass'), '--config', config, '127.0.0.1', String(greeter.port)];
      const { status, stdout, stderr } = await fdrecv(['--stdio', ...words], { env, input: 'exit' });
      expect([status, stdout, stderr]).to.deep.equal([0, 'SSH-2.0-greeter\r\n', '']);
    });
  }
});

describe('a plugin with a copy of @fdpass/core of its own', () => {
  const folder = temporaryFolder();
  let gateway: ScriptedServer;
  afterEach(() => gateway.close());
  after(() => folder.remove());

  before(() => {
    const core = dirname(dirname(fileURLToPath(import.meta.resolve('@fdpass/core'))));
    const copy = join(folder.path, 'node_modules/@fdpass/core');
    mkdirSync(dirname(copy), { recursive: true });
    for (const part of ['package.json', 'dist']) cpSync(join(core, part), join(copy, part), { recursive: true });
    const require = createRequire(join(core, 'package.json'));
    for (const name of ['koffi', 'tsyringe', 'valibot', 'yaml', 'cosmiconfig', 'reflect-metadata']) {
      const entry = require.resolve(name);
      const place = entry.slice(0, entry.lastIndexOf(`node_modules${sep}${name}`) + `node_modules/${name}`.length);
      symlinkSync(place, join(folder.path, 'node_modules', name));
    }
    writeFileSync(
      join(folder.path, 'plugin.mjs'),
      `import { FdpassError } from '@fdpass/core';
export const line = { name: 'line', create: (options, host) => ({ async dial(target, context) {
  const peer = await host.forward.dial(options, context);
  await peer.write(Buffer.from('CONNECT ' + target.host + '\\n'));
  const reply = String(await peer.read(3, 'the reply'));
  if (reply !== 'OK\\n') throw new FdpassError('permission', 'the gateway said ' + JSON.stringify(reply), { hint: 'ask nicely' });
  return peer;
} }) };
`,
      { mode: 0o600 },
    );
  });

  function configFor(port: number): string {
    const file = join(folder.path, 'config.yaml');
    const text = `plugins: ["./plugin.mjs"]\nrules: [ { use: { strategy: line, host: 127.0.0.1, port: ${port} } } ]\n`;
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  it('gives sockets whose descriptors are handed over', async () => {
    gateway = await startScriptedServer(async (line) => {
      await line.expect('CONNECT host.example\n');
      await line.send('OK\nhello');
      line.socket.end();
    });
    const words = [process.execPath, bin('fdpass'), '--config', configFor(gateway.port), 'host.example', '22'];
    const { stdout, stderr } = await fdrecv(words);
    expect(stderr).to.equal('');
    expect(stdout).to.match(new RegExp(`^inet stream local \\S+ peer 127\\.0\\.0\\.1:${gateway.port}\n$`));
    const bridged = await fdrecv(['--stdio', ...words]);
    expect(bridged.stdout).to.equal('hello');
  });

  it('throws errors that are known for what they are', async () => {
    gateway = await startScriptedServer(async (line) => {
      await line.expect('CONNECT host.example\n');
      await line.send('NO\n');
      line.socket.end();
    });
    const { status, stderr } = await fdpass(['--config', configFor(gateway.port), 'host.example', '22']);
    expect(status).to.equal(77);
    expect(stderr).to.match(
      /^fdpass: \[permission\] host\.example:22: .*line: the gateway said "NO\\n"; ask nicely\n$/,
    );
  });
});
