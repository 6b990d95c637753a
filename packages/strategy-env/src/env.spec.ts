import { PassThrough } from 'node:stream';
import { type Chain, FdpassError, type Target } from '@fdpass/core';
import { StreamConnection } from '@fdpass/core/sockets';
import { contextOf, refusalOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { env } from './env.js';

type Environment = Readonly<Record<string, string>>;

/** Which way a dial takes: the proxy's URL, or `forward`. */
async function wayTo(host: string, port: number, environment: Environment): Promise<string> {
  let way = '';
  const via = (name: string): Chain => ({
    label: name,
    dial: async () => {
      way = name;
      return new StreamConnection(new PassThrough());
    },
    needsRelay: () => name.startsWith('https:'),
  });
  const route = async (use: unknown): Promise<Chain> => via(String(use));
  const dialer = await env.create({}, testHost({ environment, forward: via('forward'), route }));
  (await dialer.dial({ host, port }, contextOf())).destroy();
  return way;
}

describe('env', () => {
  const BOTH = { ALL_PROXY: 'socks5h://a', HTTPS_PROXY: 'http://b', NO_PROXY: '.corp.example,10.0.0.0/8' };
  const CASES: readonly [host: string, port: number, environment: Environment, way: string][] = [
    ['x.example', 22, {}, 'forward'],
    ['x.example', 22, BOTH, 'socks5h://a'],
    ['x.example', 443, BOTH, 'http://b'],
    ['git.corp.example', 443, BOTH, 'forward'],
    ['10.1.2.3', 22, BOTH, 'forward'],
    ['x.example', 22, { ALL_PROXY: 'p:1' }, 'http://p:1'],
    ['x.example', 22, { ALL_PROXY: 'p:1', NO_PROXY: '*' }, 'forward'],
  ];
  for (const [host, port, environment, way] of CASES) {
    it(`${host}:${port} with ${JSON.stringify(environment)} goes by ${way}`, async () => {
      expect(await wayTo(host, port, environment)).to.equal(way);
    });
  }

  it('builds no proxy that the environment does not name, and each one once', async () => {
    const target: Target = { host: 'x.example', port: 22 };
    const built: unknown[] = [];
    const chain = (needsRelay: boolean): Chain => ({
      label: '',
      dial: () => Promise.reject(new Error('not used')),
      needsRelay: () => needsRelay,
      tls: () => (needsRelay ? { by: 'process' } : undefined),
    });
    const route = async (use: unknown): Promise<Chain> => {
      built.push(use);
      return chain(true);
    };
    const traits = async (environment: Environment): Promise<unknown> => {
      const dialer = await env.create({}, testHost({ environment, forward: chain(false), route }));
      return [dialer.needsRelay?.(target), dialer.tls?.(target)];
    };
    expect(await traits({})).to.deep.equal([false, undefined]);
    expect(await traits({ ALL_PROXY: 'https://a' })).to.deep.equal([true, { by: 'process' }]);
    expect(built).to.deep.equal(['https://a']);
  });

  describe('with an https proxy', () => {
    const environment = { ALL_PROXY: 'https://a', HTTPS_PROXY: 'http://b', NO_PROXY: '.corp.example,10.0.0.0/8' };
    const RELAYED: readonly [host: string, port: number, forwardRelays: boolean, needsRelay: boolean][] = [
      ['x.example', 22, false, true],
      ['x.example', 443, false, false],
      ['git.corp.example', 22, false, false],
      ['10.1.2.3', 22, false, false],
      ['git.corp.example', 22, true, true],
      ['unix/run/socket', 22, false, true],
    ];
    for (const [host, port, forwardRelays, needsRelay] of RELAYED) {
      const before = forwardRelays ? ' after hops that do' : '';
      it(`${host}:${port} ${needsRelay ? 'needs' : 'does not need'} a relay${before}`, async () => {
        const chain = (relays: boolean): Chain => ({
          label: '',
          dial: () => Promise.reject(new Error('not used')),
          needsRelay: () => relays,
        });
        const route = async (use: unknown): Promise<Chain> => chain(String(use).startsWith('https:'));
        const dialer = await env.create({}, testHost({ environment, forward: chain(forwardRelays), route }));
        expect(dialer.needsRelay?.({ host, port })).to.equal(needsRelay);
      });
    }
  });

  describe('with a variable that is broken', () => {
    /** How a dial ends: the way it takes, or the error. `nonsense:` URLs have no strategy. */
    async function endOf(host: string, port: number, environment: Environment): Promise<string> {
      const via = (name: string): Chain => ({
        label: name,
        dial: () => Promise.reject(new FdpassError('unreachable', `went by ${name}`)),
        needsRelay: () => true,
      });
      const route = async (use: unknown): Promise<Chain> => {
        if (!String(use).startsWith('nonsense:')) return via(String(use));
        throw new FdpassError('config', 'no strategy for nonsense:', { hint: 'write http://HOST:PORT', hop: 'a hop' });
      };
      const dialer = await env.create({}, testHost({ environment, forward: via('forward'), route }));
      return refusalOf(dialer.dial({ host, port }, contextOf()));
    }
    const ALL_BROKEN = { ALL_PROXY: 'nonsense://me:hush@a', HTTPS_PROXY: 'http://b', NO_PROXY: '.corp.example' };
    const HTTPS_BROKEN = { all_proxy: 'socks5h://a', https_proxy: 'nonsense://b' };
    const ENDS: readonly [host: string, port: number, environment: Environment, end: RegExp][] = [
      ['x.example', 443, ALL_BROKEN, /^unreachable: went by http:\/\/b$/],
      ['git.corp.example', 22, ALL_BROKEN, /^unreachable: went by forward$/],
      ['x.example', 22, ALL_BROKEN, /^config: a hop: the variable ALL_PROXY: no strategy for nonsense:; write http:/],
      ['x.example', 22, HTTPS_BROKEN, /^unreachable: went by socks5h:\/\/a$/],
      ['x.example', 443, HTTPS_BROKEN, /^config: a hop: the variable https_proxy: no strategy/],
      ['x.example', 22, { HTTPS_PROXY: 'nonsense://b' }, /^config: a hop: the variable HTTPS_PROXY: no strategy/],
      [
        'x.example',
        22,
        { ALL_PROXY: 'nonsense://b', HTTPS_PROXY: 'nonsense://b' },
        /^config: a hop: the variable ALL_PROXY: no strategy/,
      ],
    ];
    for (const [host, port, environment, end] of ENDS) {
      it(`${host}:${port} with ${JSON.stringify(environment)}: ${end.source}`, async () => {
        expect(await endOf(host, port, environment))
          .to.match(end)
          .and.not.contain('hush');
      });
    }

    it('does not say that a host needs a relay which only gets an error', async () => {
      const route = (): Promise<Chain> => Promise.reject(new FdpassError('config', 'broken'));
      const dialer = await env.create({}, testHost({ environment: ALL_BROKEN, route }));
      expect(dialer.needsRelay?.({ host: 'x.example', port: 22 })).to.equal(false);
    });

    it('says so in explain', async () => {
      const route = (): Promise<Chain> => Promise.reject(new FdpassError('config', 'broken'));
      const dialer = await env.create({}, testHost({ environment: ALL_BROKEN, route }));
      expect(dialer.explain?.({ host: 'x.example', port: 22 })).to.deep.equal([
        'env: ALL_PROXY names the proxy nonsense://***@a',
        'broken',
      ]);
    });

    it('does not hide a fault that is not about the variable', async () => {
      const bug = new TypeError('a bug');
      const made = env.create({}, testHost({ environment: ALL_BROKEN, route: () => Promise.reject(bug) }));
      expect(await Promise.resolve(made).catch((error: unknown) => error)).to.equal(bug);
    });
  });

  describe('explain', () => {
    const via = (name: string): Chain => ({
      label: name,
      dial: () => Promise.reject(new Error('not used')),
      needsRelay: () => false,
      explain: ({ host }) => [`${name} decides for ${host}`],
    });
    const environment = { ALL_PROXY: 'me:hush@a', https_proxy: 'http://b', no_proxy: 'localhost .corp.example' };
    const CASES: readonly [host: string, port: number, environment: Environment, decisions: readonly string[]][] = [
      [
        'x.example',
        22,
        environment,
        ['env: ALL_PROXY names the proxy http://***@a', 'http://me:hush@a decides for x.example'],
      ],
      ['x.example', 443, environment, ['env: https_proxy names the proxy http://b', 'http://b decides for x.example']],
      [
        'git.corp.example',
        22,
        environment,
        ['env: no proxy: no_proxy exempts it by the entry .corp.example', 'forward decides for git.corp.example'],
      ],
      [
        'x.example',
        22,
        { NO_PROXY: '*' },
        ['env: no proxy: neither ALL_PROXY nor HTTPS_PROXY is set', 'forward decides for x.example'],
      ],
    ];
    for (const [host, port, variables, decisions] of CASES) {
      it(`${host}:${port}: ${decisions[0]}`, async () => {
        const route = async (use: unknown): Promise<Chain> => via(String(use));
        const dialer = await env.create({}, testHost({ environment: variables, forward: via('forward'), route }));
        expect(dialer.explain?.({ host, port })).to.deep.equal(decisions);
      });
    }
  });

  it('names the variable where the proxy cannot be reached, and leaves the hops before and reasons to abort alone', async () => {
    const reason = new Error('enough');
    const failing = (name: string, error: unknown): Chain => ({
      label: name,
      dial: () => Promise.reject(error),
      needsRelay: () => false,
    });
    const dial = async (host: string, error: unknown): Promise<unknown> => {
      const environment = { all_proxy: 'http://a', NO_PROXY: 'corp.example' };
      const forward = failing('forward', new FdpassError('unreachable', 'refused', { hop: 'before' }));
      const route = async (): Promise<Chain> => failing('proxy', error);
      const dialer = await env.create({}, testHost({ environment, forward, route }));
      return Promise.resolve(dialer.dial({ host, port: 22 }, contextOf())).catch((thrown: unknown) => thrown);
    };
    const attempts = [{ address: '192.0.2.1:80', reason: 'refused' }];
    const error = new FdpassError('unreachable', 'refused', { hop: 'http://a', hint: 'check it', attempts });
    expect(await dial('x.example', error)).to.deep.include({ hop: 'all_proxy (http://a)', hint: 'check it', attempts });
    expect(await dial('corp.example', error)).to.include({ hop: 'before' });
    expect(await dial('x.example', reason)).to.equal(reason);
  });
});
