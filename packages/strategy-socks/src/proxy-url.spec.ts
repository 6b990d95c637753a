import { expect } from 'chai';
import { readSocksUrl, SOCKS_SCHEMES } from './proxy-url.js';

describe('SOCKS proxy URLs', () => {
  const good: readonly (readonly [
    url: string,
    version: number,
    resolvesNames: boolean,
    tls: boolean,
    host: string,
    port: number,
  ])[] = [
    ['socks4://proxy', 4, false, false, 'proxy', 1080],
    ['socks4a://proxy:1', 4, true, false, 'proxy', 1],
    ['socks5://127.0.0.1:9050', 5, false, false, '127.0.0.1', 9050],
    ['socks5h://[::1]:9050/', 5, true, false, '::1', 9050],
    ['socks5h+tls://me:pw@proxy.example:443', 5, true, true, 'proxy.example', 443],
    ['socks5h://unix:/run/tor/socks', 5, true, false, 'unix/run/tor/socks', 1080],
    ['socks5://localhost/run/tor/a%20b', 5, false, false, 'unix/run/tor/a b', 1080],
  ];
  for (const [url, version, resolvesNames, tls, host, port] of good) {
    it(`takes ${url}`, () => {
      const proxy = readSocksUrl(url);
      const { scheme } = proxy;
      expect([scheme.version, scheme.resolvesNames, scheme.tls, proxy.target]).to.deep.equal([
        version,
        resolvesNames,
        tls,
        { host, port },
      ]);
    });
  }

  for (const url of [
    'socks6://x',
    'http://x',
    'socks5://',
    'nonsense',
    'socks5://h:0',
    'socks5://h:99999',
    'socks5://h/path',
    'socks5://h?x',
    'socks5+ssl://h',
  ]) {
    it(`refuses ${url}`, () =>
      expect(() => readSocksUrl(url))
        .to.throw()
        .with.property('code', 'config'));
  }

  it('shows no password of what it refuses', () => {
    for (const url of ['socks6://me:hush@x', 'socks5://me:hush@', 'socks5://me:hush@x:0', 'socks5://me:hush@x/y?z']) {
      expect(() => readSocksUrl(url))
        .to.throw()
        .with.property('message')
        .that.does.not.match(/hush/);
    }
  });

  it('answers to each scheme plainly and over TLS', () => {
    expect(SOCKS_SCHEMES).to.include.members(['socks5', 'socks5+tls', 'socks4a', 'socks4a+tls']).and.have.length(10);
  });
});
