import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTING_KEYS } from '@fdpass/core/host';
import {
  expectNoneLeft,
  type Finished,
  killMarked,
  markedEnvironment,
  markedProcesses,
  temporaryFolder,
} from '@fdpass/test-lab';
import { CHECK_NAMES } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** A gateway as in the guide, whose dial reads the reply as `read` does. */
const gateway = (read: string): string => `export const gateway = { name: 'gateway', schemes: ['gw'],
  create({ url }, host) {
    const { hostname, port } = new URL(url.replace('gw:', 'http:'));
    return { async dial(target, context) {
      const connection = await host.forward.dial({ host: hostname, port: Number(port) }, context);
      await connection.write(Buffer.from('CONNECT ' + target.host + ' ' + target.port + '\\n'));
      ${read}
      return connection;
    } };
  } };\n`;

const SOUND = "if (String(await connection.read(3, 'the reply')) !== 'OK\\n') throw host.error('protocol', 'no');";

/** Its server, with nothing but what Node has. */
const server = (extra = ''): string => `import { connect, createServer } from 'node:net';
export async function start() {
  const sockets = new Set();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    sockets.add(client.on('error', () => {}).on('close', () => sockets.delete(client)));
    const giveUp = () => client.end();
    client.once('end', giveUp);
    client.once('data', (line) => {
      client.off('end', giveUp);
      const [, host, port] = String(line).split(/\\s/);
      const far = connect({ host, port: Number(port), allowHalfOpen: true }).on('error', () => client.destroy());
      far.once('connect', () => client.write('OK\\n') && client.pipe(far).pipe(client));
      client.once('close', () => far.destroy());
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    options: { url: 'gw://127.0.0.1:' + server.address().port },
    close() { for (const socket of sockets) socket.destroy(); server.close(); },
  };
}\n${extra}`;

/** A plugin author's folder: no configuration, no package, nothing but files. */
describe('the commands for a plugin file', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const env = { ...mark, LC_ALL: 'C' }; // marks in ASCII
  after(() => folder.remove());
  afterEach(async () => {
    await killMarked(marker);
    await expectNoneLeft(() => markedProcesses(marker));
  });

  const write = (name: string, text: string): void => writeFileSync(join(folder.path, name), text, { mode: 0o600 });
  const here = (...args: readonly string[]): Promise<Finished> =>
    fdpass(args, { env, cwd: folder.path, timeoutMs: 100_000 });

  before(() => {
    write('gateway.mjs', gateway(SOUND));
    write('server.mjs', server());
  });

  describe('strategies FILE', () => {
    it('shows what a plugin offers, by whatever path', async () => {
      write(
        'rich.mjs',
        `const jsonSchema = { input: () => ({ type: 'object', required: ['where'], properties: {
  where: { type: 'string', description: 'where it is' }, tries: { type: 'integer', default: 3 } } }) };
const optionsSchema = { '~standard': { version: 1, vendor: 'mine', validate: (value) => ({ value }), jsonSchema } };
export const rich = { name: 'rich', schemes: ['rich'], firstOnly: true, shorthand: 'where', targets: ['host', 'unix'],
  optionsSchema, create: () => ({ dial() {} }) };
export const other = { name: 'other', create: () => ({ dial() {} }) };\n`,
      );
      const expected = `other
  Its options are not listed: it has no schema that says which there are.

rich  (first hop only)  rich://
  where  text          (required) where it is
  tries  whole number  (default 3)
  { rich: VALUE } is { strategy: rich, where: VALUE }.
  Accepts names of these kinds: host, unix.

Any hop also has ${SETTING_KEYS.join(', ')}: see docs/configuration.md.
`;
      for (const path of ['./rich.mjs', 'rich.mjs', join(folder.path, 'rich.mjs')])
        expect(await here('strategies', path), path).to.deep.include({ status: 0, stdout: expected, stderr: '' });
      const { stdout } = await here('strategies', '--json', './rich.mjs');
      const [other, rich] = JSON.parse(stdout);
      expect(rich).to.deep.include({ name: 'rich', schemes: ['rich'], firstOnly: true, targets: ['host', 'unix'] });
      expect(rich.options).to.have.lengthOf(2);
      expect(other).to.deep.include({ name: 'other', hasKnownOptions: false, options: [] });
    });
  });

  describe('a plugin in TypeScript', () => {
    const runsTypes = 'typescript' in process.features && process.features.typescript !== false;
    const typed = gateway(SOUND)
      .replace('create({ url }, host) {', 'create({ url }: Options, host): Dialer {')
      .replace(
        'export const gateway =',
        'interface Options { readonly url: string }\nexport const gateway: Strategy<Options> =',
      );
    before(() => {
      write('gateway.ts', `import type { Dialer, Strategy } from '@fdpass/core';\n${typed}`);
      write('gateway.mts', `import type { Dialer, Strategy } from '@fdpass/core';\n${typed}`);
      write('untyped.mts', `import { Dialer, Strategy } from '@fdpass/core';\n${typed}`);
      write('more.mts', `enum Word { Ok }\n${typed}`);
      write('ts.yaml', 'plugins: ["./gateway.ts"]\nrules: [{ use: "gw://127.0.0.1:1" }]\n');
    });

    it('runs where Node runs TypeScript, without a warning', async function () {
      if (!runsTypes) this.skip();
      for (const name of ['gateway.ts', 'gateway.mts']) {
        const { status, stdout, stderr } = await here('test-strategy', '--server', 'server.mjs', name);
        expect([status, stderr], stdout).to.deep.equal([0, '']);
      }
      const { stdout, stderr } = await here('explain', '--no-ssh', '--config', 'ts.yaml', 'host.example');
      expect(stderr).to.equal('');
      expect(stdout).to.match(/gw:\/\/127\.0\.0\.1:1/);
      expect((await here('strategies', 'untyped.mts')).stderr).to.match(
        /Cannot find package .*; use "import type" for types/,
      );
      expect((await here('strategies', 'more.mts')).stderr).to.match(/more\.mts:\d: .*enum.*; write it without/);
    });

    it('is an error elsewhere that says what to do', async function () {
      if (runsTypes) this.skip();
      const says = /gateway\.ts is TypeScript, which Node 20\.\S+ cannot run; run fdpass with Node 22\.18/;
      for (const args of [
        ['strategies', 'gateway.ts'],
        ['explain', '--no-ssh', '--config', 'ts.yaml', 'host.example'],
      ]) {
        const { status, stderr } = await here(...args);
        expect(stderr)
          .to.match(says)
          .and.match(/^fdpass: \[config\] .*\n$/);
        expect(status).to.equal(78);
      }
    });
  });

  describe('test-strategy FILE', () => {
    const test = (...args: readonly string[]): Promise<Finished> => here('test-strategy', ...args);

    it('runs every check, without a project and without a configuration', async () => {
      const { status, stdout, stderr } = await test('--server', './server.mjs', './gateway.mjs');
      expect([status, stderr], stdout).to.deep.equal([0, '']);
      const asked = CHECK_NAMES.filter((name) => !/invalid options|secret/.test(name)); // it has neither
      const marks = stdout.split('\n').filter((line) => line.startsWith('  '));
      expect(stdout).to.match(/^gateway \(\.\/gateway\.mjs\)\n/);
      expect(marks.map((line) => line.replace(/^ {2}\S {2}/, ''))).to.deep.equal(asked);
      expect(stdout).to.match(new RegExp(`\n${asked.length} passed\n$`));
    });

    it('takes a hop whose server runs already, and answers programs', async () => {
      const { start } = await import(join(folder.path, 'server.mjs'));
      const { options, close } = await start();
      try {
        const hops = [
          options.url,
          `{ strategy: gateway, url: "${options.url}" }`,
          `{ gateway: { url: "${options.url}" } }`,
        ];
        for (const hop of hops) {
          const { status, stdout } = await test('--json', '--use', hop, 'gateway.mjs', '--skip', CHECK_NAMES[0] ?? '');
          const { file, strategies, exitStatus } = JSON.parse(stdout);
          expect([status, exitStatus, file]).to.deep.equal([0, 0, join(folder.path, 'gateway.mjs')]);
          expect(strategies).to.have.lengthOf(1);
          expect(strategies[0]).to.include({ strategy: 'gateway', failed: 0, skipped: 1 });
          expect(strategies[0].checks[0]).to.deep.equal({ name: CHECK_NAMES[0], outcome: 'skipped', reason: '--skip' });
        }
      } finally {
        close();
      }
    });

    it('tests several strategies, and one with several options, as the server says', async () => {
      const more = `const one = { start, strategy: 'gateway', title: 'once' };
export default [one, { start, strategy: 'twin', secrets: ['hunter2'] }];\n`;
      write('servers.mjs', server(more));
      write('twins.mjs', `${gateway(SOUND)}export const twin = { ...gateway, name: 'twin', schemes: [] };\n`);
      const { status, stdout } = await test('--server', 'servers.mjs', 'twins.mjs');
      expect(status, stdout).to.equal(0);
      expect(stdout.replace(/^ .*\n/gm, '')).to.match(
        /^gateway once \(twins\.mjs\)\n\ntwin \(twins\.mjs\)\n\n\d+ passed\n$/,
      );
    });

    const faults: readonly (readonly [what: string, read: string, check: string, reason: RegExp])[] = [
      [
        'reads a byte too many',
        `${SOUND} await connection.read((await connection.peek(200)).length, 'more');`,
        'loses no byte of a banner that arrives with the last reply',
        /of a banner of \d+ bytes \d+ arrived/,
      ],
      [
        'leaves a timer',
        `${SOUND} setTimeout(() => {}, 60_000);`,
        'leaves no descriptor, timer, listener or process',
        /left behind: Timeout/,
      ],
      [
        'takes any answer for the right one, even none',
        "await connection.read(3, 'the reply').catch(() => {});",
        'fails when the connection closes at any point of the handshake',
        /the dial ended with a connection/,
      ],
    ];
    for (const [what, read, check, reason] of faults) {
      it(`fails a plugin that ${what}`, async () => {
        write('faulty.mjs', gateway(read));
        const words = ['test-strategy', '--server', 'server.mjs', 'faulty.mjs'];
        const hurried = { ...env, FDPASS_PATIENCE_MS: '1000' };
        const { status, stdout, stderr } = await fdpass(words, { env: hurried, cwd: folder.path, timeoutMs: 100_000 });
        expect([status, stderr], stdout).to.deep.equal([70, '']);
        const [, said = ''] = new RegExp(`^ {2}\\S {2}${check}\n {7}(.*)$`, 'm').exec(stdout) ?? [];
        expect(said).to.match(reason).and.match(/; /);
        expect(stdout).to.match(/\d+ passed, \d+ failed\n$/);
      });
    }

    it('keeps what the plugin prints out of its answer', async () => {
      write('loud.mjs', gateway(`console.log('loud'); ${SOUND}`));
      const { stdout, stderr } = await test('--json', '--server', 'server.mjs', 'loud.mjs');
      expect(JSON.parse(stdout)).to.have.property('exitStatus', 0);
      expect(stderr).to.match(/^(loud\n)+$/);
    });

    it('says in one line what keeps it from testing', async () => {
      write('twins.mjs', `${gateway(SOUND)}export const twin = { ...gateway, name: 'twin', schemes: [] };\n`);
      write('socks.mjs', gateway(SOUND).replace("name: 'gateway'", "name: 'socks'"));
      write('wrong.mjs', '\nexport const = 1;\n');
      write('nothing.mjs', 'export const nothing = 1;\n');
      write('typo.mjs', gateway(SOUND).replace('host.forward', 'host.foward'));
      write('failing.mjs', "export function start() { throw new Error('port taken'); }\n");
      const hop = '{ strategy: gateway, url: "gw://127.0.0.1:1" }';
      const table: readonly (readonly [args: readonly string[], status: number, says: RegExp])[] = [
        [[], 64, /the file of the plugin is missing; see: fdpass --help/],
        [['a.mjs', 'b.mjs'], 64, /too many operands/],
        [['none.mjs'], 78, /none\.mjs: no such file or directory/],
        [['.'], 78, /is a folder, not a file/],
        [['wrong.mjs'], 78, /the plugin "\.\/wrong\.mjs": .*wrong\.mjs:2: Unexpected token/],
        [['nothing.mjs'], 78, /does not export a strategy; export an object with "name" and "create"/],
        [['socks.mjs'], 78, /the strategy "socks" is registered twice/],
        [['twins.mjs'], 64, /twins\.mjs has several strategies: gateway, twin; say with --use which one is meant/],
        [['gateway.mjs'], 70, /gateway cannot be tested: .*; say with --use or --server how to reach its server/],
        [['--use', hop, 'gateway.mjs'], 69, /gateway cannot be tested: .*closed.*; check that its server is running/],
        [['--use', '{ strategy: gateway', 'gateway.mjs'], 78, /--use:1:\d+: /],
        [['--use', '[direct, gateway]', 'gateway.mjs'], 78, /--use must be one hop, not a chain of 2/],
        [
          ['--use', 'direct', 'gateway.mjs'],
          78,
          /--use names a strategy that is not in gateway\.mjs; name one of gateway/,
        ],
        [['--use', 'gatway', 'gateway.mjs'], 78, /"gatway" is neither .*; did you mean "gateway"\?/],
        [['--use', hop, '--server', 'server.mjs', 'gateway.mjs'], 64, /--use and --server/],
        [['--server', 'nothing.mjs', 'gateway.mjs'], 78, /nothing\.mjs does not export start\(\); export a function/],
        [['--server', 'wrong.mjs', 'gateway.mjs'], 78, /wrong\.mjs:2: Unexpected token/],
        [['--server', 'none.mjs', 'gateway.mjs'], 78, /none\.mjs: no such file/],
        [
          ['--server', 'failing.mjs', 'gateway.mjs'],
          78,
          /tested: start\(\) of failing\.mjs failed: port taken; check what/,
        ],
        [['--server', 'server.mjs', 'typo.mjs'], 70, /: .* \(typo\.mjs:5:\d+\); check what start\(\) gives/],
        [['--skip', 'works over a unix sockt', 'gateway.mjs'], 64, /did you mean "works over a unix socket"\?/],
      ];
      for (const [args, status, says] of table) {
        const finished = await test(...args);
        expect(finished.stderr, args.join(' '))
          .to.match(says)
          .and.match(/^fdpass: \[.*\n$/);
        expect(finished.status, finished.stderr).to.equal(status);
      }
    });

    it('tests again after a change with --watch, until it is stopped', async () => {
      write('watched.mjs', gateway("await connection.read(2, 'the reply');"));
      const words = [FDPASS_BIN, 'test-strategy', '--watch', '--server', 'server.mjs', 'watched.mjs'];
      const child = spawn(process.execPath, words, { cwd: folder.path, env: { ...process.env, ...NO_CONFIG, ...env } });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          child.emit('said');
        });
      }
      const until = async (text: RegExp): Promise<void> => {
        while (!text.test(said)) await once(child, 'said');
        said = '';
      };
      const ended = once(child, 'close');
      await until(/\d+ failed\n[\s\S]*waiting for a change in /);
      write('notes.txt', 'not a module');
      write('watched.mjs', gateway(SOUND));
      await until(/\n\d+ passed\n[\s\S]*waiting for a change in /);
      write('server.mjs', `${server()}\n`);
      await until(/\n\d+ passed\n[\s\S]*waiting for a change in /);
      child.kill('SIGTERM');
      expect(await ended).to.deep.equal([null, 'SIGTERM']);
    });
  });
});
