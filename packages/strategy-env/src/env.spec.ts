import { PassThrough } from 'node:stream';
import { type DialContext, type Dialer, noTrace, systemClock } from '@fdpass/core';
import { expect } from 'chai';
import { createEnv } from './env.js';

const CONTEXT: DialContext = { signal: new AbortController().signal, clock: systemClock, trace: noTrace };

/** Which way a dial takes: the proxy's URL, or `forward`. */
async function wayTo(host: string, port: number, environment: NodeJS.ProcessEnv): Promise<string> {
  let way = '';
  const via = (name: string): Dialer => ({
    dial: () => {
      way = name;
      return Promise.resolve(new PassThrough());
    },
    needsRelay: name.startsWith('https:'),
  });
  const route = (use: unknown): Dialer => via(String(use));
  const dialer = createEnv(environment).create({}, via('forward'), { socketDefaults: {}, baseDir: '/', route });
  (await dialer.dial({ host, port }, CONTEXT)).destroy();
  return way;
}

describe('env', () => {
  const BOTH = { ALL_PROXY: 'socks5h://a', HTTPS_PROXY: 'http://b', NO_PROXY: '.corp.example,10.0.0.0/8' };
  const CASES: readonly [host: string, port: number, environment: NodeJS.ProcessEnv, way: string][] = [
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

  it('builds no proxy that the environment does not name, and each one once', () => {
    const built: unknown[] = [];
    const route = (use: unknown): Dialer => {
      built.push(use);
      return { dial: () => Promise.reject(new Error('not used')), needsRelay: true };
    };
    const forward = route('forward');
    const host = { socketDefaults: {}, baseDir: '/', route };
    expect(createEnv({}).create({}, forward, host).needsRelay).to.equal(false);
    expect(createEnv({ ALL_PROXY: 'https://a' }).create({}, forward, host).needsRelay).to.equal(true);
    expect(built).to.deep.equal(['forward', 'https://a']);
  });
});
