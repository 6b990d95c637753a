import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { loadRules } from '../config/load.js';
import { StreamConnection } from '../connection/stream.js';
import type { DialContext } from '../dial/dialer.js';
import { FdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import { rejection } from '../ground/rejection.spec.helper.js';
import { noTrace } from '../ground/trace.js';
import type { Strategy, StrategyHost } from '../strategy/strategy.js';
import { type ConfigStore, type Framework, type FrameworkParts, TOKENS } from './framework.js';
import { loadFramework } from './load-framework.js';

const TARGET = makeTarget({ host: 'host.example', port: 22 });
const ADDRESS = { family: 4, host: '192.0.2.1', port: 22 } as const;

function context(): DialContext {
  return { signal: new AbortController().signal, trace: noTrace };
}

/** A strategy that shows the host it was created with. */
function spy(): { readonly strategy: Strategy; host(): StrategyHost } {
  let host: StrategyHost | undefined;
  const strategy: Strategy = {
    name: 'net',
    firstOnly: true,
    create(_, given) {
      host = given;
      return { dial: () => new Promise(() => {}) };
    },
  };
  return {
    strategy,
    host: () => host ?? expect.fail('no strategy was created'),
  };
}

/** A framework with one token replaced, and the host that its strategy was given. */
async function withReplaced<Name extends keyof typeof TOKENS>(
  name: Name,
  value: unknown,
  parts: Partial<FrameworkParts> = {},
): Promise<{ readonly framework: Framework; readonly host: StrategyHost }> {
  const { strategy, host } = spy();
  const framework = await loadFramework(
    { strategies: [strategy], defaultStrategy: 'net', config: false, ...parts },
    (container) => container.register<unknown>(TOKENS[name], { useValue: value }),
  );
  await framework.router.route(TARGET);
  return { framework, host: host() };
}

describe('a part of the framework that a program replaces is the one that is used:', () => {
  const TESTS: Readonly<Record<keyof typeof TOKENS, () => Promise<void>>> = {
    async clock() {
      const clock = new HandClock();
      const { framework, host } = await withReplaced('clock', clock);
      expect([host.clock, framework.router.clock]).to.deep.equal([clock, clock]);
      const dialling = rejection(framework.router.dial(await framework.router.route(TARGET)));
      expect(clock.pending).to.equal(1); // the deadline
      const lost = (): never => expect.fail('not lost');
      const open = (): Promise<never> => new Promise(() => {});
      const [first, second] = [
        { label: 'a', headStartMs: 5, open },
        { label: 'b', open },
      ];
      void host.race([first, second], { of: 'route', lost }, context());
      expect(clock.pending).to.equal(2); // the head start
      clock.advance(30_000);
      expect((await dialling).message).to.equal('timed out after 30 s');
    },
    async resolve() {
      const addresses = [{ family: 4, host: '192.0.2.7' }] as const;
      const asked: unknown[] = [];
      const { host } = await withReplaced('resolve', async (...question: unknown[]) => {
        asked.push(question.slice(0, 2));
        return addresses;
      });
      expect(await host.lookUp('a.example', 4, context())).to.equal(addresses);
      expect(asked).to.deep.equal([['a.example', 4]]);
    },
    async compareAddresses() {
      const { host } = await withReplaced('compareAddresses', () => -7);
      expect(host.compareAddresses({ family: 4, host: '192.0.2.1' }, { family: 6, host: '::1' })).to.equal(-7);
    },
    async open() {
      const opened = new StreamConnection(new PassThrough());
      const asked: unknown[] = [];
      type Given = DialContext & { readonly clock: unknown };
      const open = async (address: unknown, options: unknown, { signal, trace, clock: given }: Given) => {
        asked.push([address, options, { signal, trace, clock: given }]);
        return opened;
      };
      const { host } = await withReplaced('open', open);
      const dial = context();
      expect(await host.open(ADDRESS, { noDelay: true }, dial)).to.equal(opened);
      expect(asked).to.deep.equal([[ADDRESS, { noDelay: true }, { ...dial, clock: host.clock }]]);
      opened.destroy();
    },
    async credentials() {
      const asked: object[] = [];
      const { host } = await withReplaced('credentials', async (request: object) => {
        asked.push(request);
        return { username: 'me', password: 'secret' };
      });
      const request = { host: 'proxy.example', options: undefined, username: 'me' };
      expect(await host.credentials(request as never, context())).to.deep.equal({ username: 'me', password: 'secret' });
      expect(asked[0]).to.include({ host: 'proxy.example', baseDir: '/', environment: process.env });
    },
    async environment() {
      const environment = { ALL_PROXY: 'socks5h://proxy.example' };
      expect((await withReplaced('environment', environment)).host.environment).to.equal(environment);
      const { host } = await withReplaced('environment', { HOME: '/home/other' });
      expect(host.path('~/socket')).to.equal('/home/other/socket');
    },
    async random() {
      const { host } = await withReplaced('random', () => 0.25);
      expect(host.random()).to.equal(0.25);
    },
    async beforeAsking() {
      const refuse = (): never => {
        throw new FdpassError('permission', 'nobody to ask');
      };
      const { host } = await withReplaced('beforeAsking', refuse);
      const question = { host: 'proxy.example', options: { ask: true }, username: 'me' };
      for (const work of [
        host.credentials(question as never, context()),
        host.spawn(['true'], context(), { terminal: true }),
      ]) {
        expect((await rejection(work)).message).to.equal('nobody to ask');
      }
    },
    async winners() {
      const winners = { of: () => ({ last: 'b', won() {} }) };
      expect((await withReplaced('winners', winners)).host.winners).to.equal(winners);
    },
    async lifetime() {
      const lifetime = { keepAlive() {} };
      expect((await withReplaced('lifetime', lifetime)).host.lifetime).to.equal(lifetime);
    },
    async standby() {
      const standby = { take: () => undefined };
      expect((await withReplaced('standby', standby)).host.standby).to.equal(standby);
    },
    async configStore() {
      const stored = loadRules({
        content: { rules: [{ host: '*.example', use: 'net', timeout: '7s' }] },
        baseDir: '/',
      });
      const asked: unknown[] = [];
      const store: ConfigStore = async (options) => {
        asked.push(options);
        return stored;
      };
      const options = { file: '/nonexistent/config.yaml' };
      const { framework } = await withReplaced('configStore', store, { config: options });
      expect((await framework.router.route(TARGET)).timeoutMs).to.equal(7000);
      expect(framework.config).to.equal(stored?.config);
      expect(asked).to.deep.equal([options]);
      await withReplaced('configStore', store, { config: false }); // then nothing is read
      expect(asked).to.have.length(1);
    },
  };
  for (const [name, test] of Object.entries(TESTS)) it(name, test);

  it('(all of them are tested)', () => expect(Object.keys(TESTS)).to.have.members(Object.keys(TOKENS)));
});

describe('a framework', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-framework-'));
  after(() => rmSync(folder, { recursive: true }));

  it('shares nothing with another', async () => {
    const { strategy, host } = spy();
    await withReplaced('random', () => 0.25);
    const other = await loadFramework({ strategies: [strategy], defaultStrategy: 'net', config: false });
    await other.router.route(TARGET);
    expect(host().random).to.equal(Math.random);
  });

  it('gives the clock to what it opens, so that a test can move that too', async () => {
    const clock = new HandClock();
    const seen: unknown[] = [];
    const { strategy, host } = spy();
    const { router } = await loadFramework(
      { strategies: [strategy], defaultStrategy: 'net', config: false },
      (container) => {
        container.register(TOKENS.clock, { useValue: clock });
        container.register<unknown>(TOKENS.open, {
          useValue: async (...[, , { clock: given }]: [unknown, unknown, { clock: unknown }]) => seen.push(given),
        });
      },
    );
    await router.route(TARGET);
    await host().open(ADDRESS, {}, context());
    expect(seen).to.deep.equal([clock]);
  });

  it('reads a config file where nothing is replaced', async () => {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, 'defaults: { timeout: 5s }\nrules: [{ use: net }]\n', { mode: 0o600 });
    const parts = { strategies: [spy().strategy], defaultStrategy: 'net', config: { file } };
    const { router, config } = await loadFramework(parts);
    expect([config?.file, (await router.route(TARGET)).timeoutMs]).to.deep.equal([file, 5000]);
  });

  it('names the files that it was made of: configs and plugins', async () => {
    const contents = {
      'own.yaml': 'extends: ./team.yaml\nplugins: [./plugin.mjs]\n',
      'team.yaml': '{}',
      'plugin.mjs': 'export const it = { name: "it", create() {} };',
    };
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text, { mode: 0o600 });
    const files = Object.keys(contents).map((name) => join(folder, name));
    const [file] = files;
    const parts = { strategies: [spy().strategy], defaultStrategy: 'net', config: { file } };
    expect((await loadFramework(parts)).files).to.deep.equal(files);
  });
});
