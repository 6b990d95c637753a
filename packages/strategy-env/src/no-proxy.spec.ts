import { expect } from 'chai';
import { findExemption } from './no-proxy.js';

const CASES: readonly [noProxy: string, exempt: readonly string[], proxied: readonly string[]][] = [
  ['', [], ['a.example', '192.0.2.1', '::1']],
  [' , ,', [], ['a.example']],
  ['*', ['a.example', '192.0.2.1', '::1'], []],
  ['*,a.example', ['a.example'], ['b.example']],
  ['*.example', [], ['a.example']],
  [
    'example.com',
    ['example.com', 'EXAMPLE.com', 'example.com.', 'a.example.com'],
    ['notexample.com', 'example.com.org'],
  ],
  ['.example.com', ['example.com', 'a.b.example.com'], ['badexample.com']],
  ['Example.COM.', ['example.com', 'a.example.com'], ['example.org']],
  ['a.example,b.example', ['a.example', 'b.example'], ['c.example', 'a.example,b.example']],
  ['a.example b.example\tc.example', ['a.example', 'b.example', 'c.example'], ['d.example']],
  ['localhost', ['localhost', 'x.localhost'], ['127.0.0.1']],
  ['.', [], ['a.example', 'com']],
  ['192.0.2.1', ['192.0.2.1'], ['192.0.2.10', '192.0.2.2']],
  ['10.0.0.0/8', ['10.0.0.1', '10.255.255.255', '10.1', '0xa000001', '::ffff:a00:1'], ['11.0.0.0', 'host.10.0.0.0']],
  ['10.1.2.3/8', ['10.9.9.9'], ['11.1.2.3']],
  ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127']],
  ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0']],
  ['0.0.0.0/0', ['192.0.2.1'], ['::1', 'a.example']],
  ['192.0.2.0/', [], ['192.0.2.0', '198.51.100.1']],
  ['192.0.2.0/33,192.0.2.0/x,192.0.2.0/-1,192.0.2.0/1.5,192.0.2.0/24/1', [], ['192.0.2.0']],
  ['2001:db8::/32', ['2001:db8::1', '2001:DB8:ffff::'], ['2001:db9::1', '192.0.2.1']],
  ['[2001:db8::1]', ['2001:db8::1', '2001:db8:0:0::1', '2001:0DB8::0001'], ['2001:db8::2']],
  ['::1/128', ['::1'], ['::2']],
  ['fe80::/10', ['fe80::1', 'fe80::1%eth0'], ['2001:db8::1']],
  ['fe80::1%eth0', ['fe80::1%eth0', 'fe80::1'], ['fe80::2']],
  ['::ffff:10.0.0.1', ['::ffff:a00:1', '10.0.0.1', '012.1'], ['10.0.0.2']],
  ['::ffff:10.0.0.0/104', ['10.1.2.3'], ['11.0.0.0']],
  ['::ffff:10.0.0.0/90', [], ['10.0.0.0']],
  ['::/0', ['::1'], ['10.0.0.1', '::ffff:a00:1']],
  ['127.1', ['127.0.0.1', '2130706433', '0x7f.1'], ['127.1.0.0']],
  ['127.1/16', [], ['127.1.0.0', '127.0.0.0']],
  ['a.example:22', [], ['a.example']],
];

describe('env: NO_PROXY', () => {
  for (const [noProxy, exempt, proxied] of CASES) {
    for (const host of exempt) {
      it(`${JSON.stringify(noProxy)} exempts ${host}`, () => {
        expect(noProxy.split(/[\s,]+/)).to.include(findExemption(host, noProxy));
      });
    }
    for (const host of proxied) {
      it(`${JSON.stringify(noProxy)} does not exempt ${host}`, () =>
        void expect(findExemption(host, noProxy)).to.equal(undefined));
    }
  }

  it('names the entry that exempts', () => {
    expect(findExemption('git.corp.example', 'localhost, 10.0.0.0/8 .corp.example,*')).to.equal('.corp.example');
    expect(findExemption('10.1.2.3', 'localhost, 10.0.0.0/8 .corp.example')).to.equal('10.0.0.0/8');
  });
});
