import { PassThrough } from 'node:stream';
import type { Chain, Target } from '@fdpass/core';
import { StreamConnection } from '@fdpass/core/sockets';
import { contextOf, testHost } from '@fdpass/testkit';
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
    });
    const route = async (use: unknown): Promise<Chain> => {
      built.push(use);
      return chain(true);
    };
    const needsRelay = async (environment: Environment): Promise<boolean | undefined> =>
      (await env.create({}, testHost({ environment, forward: chain(false), route }))).needsRelay?.(target);
    expect(await needsRelay({})).to.equal(false);
    expect(await needsRelay({ ALL_PROXY: 'https://a' })).to.equal(true);
    expect(built).to.deep.equal(['https://a']);
  });
});
