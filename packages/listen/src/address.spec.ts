import { expect } from 'chai';
import { formatListenAddress, isLocal, readListenAddress } from './address.js';

describe('an address to listen at', () => {
  const ADDRESSES: Readonly<Record<string, readonly [shown: string, isLocal: boolean]>> = {
    '127.0.0.1:1080': ['127.0.0.1:1080', true],
    '1080': ['127.0.0.1:1080', true],
    '127.1:0': ['127.0.0.1:0', true],
    'localhost:1080': ['127.0.0.1:1080', true],
    '127.3.4.5:1080': ['127.3.4.5:1080', true],
    'socks5://127.0.0.1:1080': ['127.0.0.1:1080', true],
    'socks5h://127.0.0.1:1080/': ['127.0.0.1:1080', true],
    'http://[::1]:3128': ['[::1]:3128', true],
    '[0:0:0:0:0:0:0:1]:1080': ['[::1]:1080', true],
    '0.0.0.0:1080': ['0.0.0.0:1080', false],
    '[::]:1080': ['[::]:1080', false],
    '192.0.2.1:1080': ['192.0.2.1:1080', false],
    'unix:/run/proxy.sock': ['/run/proxy.sock', true],
    'unix:///run/proxy.sock': ['/run/proxy.sock', true],
    'unix:proxy.sock': ['/here/proxy.sock', true],
    '/run/proxy.sock': ['/run/proxy.sock', true],
    './proxy.sock': ['/here/./proxy.sock', true],
  };
  for (const [text, [shown, local]] of Object.entries(ADDRESSES)) {
    it(`${text} is ${shown}`, () => {
      const address = readListenAddress(text, (path) => (path.startsWith('/') ? path : `/here/${path}`));
      expect([formatListenAddress(address), isLocal(address)]).to.deep.equal([shown, local]);
    });
  }

  for (const text of [
    '',
    '127.0.0.1',
    'host.example:1080',
    '::1:1080',
    '127.0.0.1:65536',
    'socks5://',
    'a:b',
    ':1080',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () => expect(() => readListenAddress(text, String)).to.throw(/not/));
  }
});
