import { isFdpassError } from '@fdpass/core';
import { expect } from 'chai';
import { parseProxyUrl } from './proxy-url.js';

describe('http-connect proxy URL', () => {
  const GOOD: readonly [url: string, tls: boolean, host: string, port: number][] = [
    ['http://proxy.example:3128', false, 'proxy.example', 3128],
    ['http://proxy.example', false, 'proxy.example', 80],
    ['http://proxy.example:80/', false, 'proxy.example', 80],
    ['https://proxy.example', true, 'proxy.example', 443],
    ['HTTPS://Proxy.Example:8443', true, 'proxy.example', 8443],
    ['http://me:p%40ss@proxy.example:1', false, 'proxy.example', 1],
    ['http://[2001:db8::1]:3128', false, '2001:db8::1', 3128],
    ['http://192.0.2.1', false, '192.0.2.1', 80],
  ];
  for (const [url, tls, host, port] of GOOD) {
    it(url, () => {
      const proxy = parseProxyUrl(url);
      expect([proxy.tls, proxy.target]).to.deep.equal([tls, { host, port }]);
    });
  }

  const BAD = [
    '',
    'proxy:3128',
    'socks5://proxy',
    'http://',
    'http://me:hush@proxy/path',
    'http://me:hush@proxy?q=hush',
    'http://me:hush@proxy#hush',
    'http://me:hu/sh@proxy',
    'http://me:hush@proxy:99999',
    'http://me:hush@proxy:0',
    'http:me:hush@proxy/x',
  ];
  for (const url of BAD) {
    it(`refuses ${JSON.stringify(url)}, without the password`, () => {
      expect(() => parseProxyUrl(url))
        .to.throw()
        .that.satisfies(
          (error: Error) => isFdpassError(error) && error.code === 'config' && !/hush|hu\/sh/.test(error.message),
        );
    });
  }
});
