import { expect } from 'chai';
import { contains, parseIp, parseNetwork } from './ip.js';

describe('IP addresses', () => {
  const same: readonly (readonly [string, string])[] = [
    ['::1', '0:0:0:0:0:0:0:1'],
    ['2001:db8::', '2001:DB8:0:0:0:0:0:0'],
    ['2001:db8::1:0:0:1', '2001:db8:0:0:1::1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:a01:203', '10.1.2.3'],
    ['64:ff9b::10.1.2.3', '64:ff9b::a01:203'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '0:0::0'],
  ];
  for (const [a, b] of same) {
    it(`takes ${a} and ${b} for one address`, () => {
      expect(parseIp(a)).to.not.equal(undefined);
      expect(parseIp(a)).to.deep.equal(parseIp(b));
    });
  }

  it('keeps different addresses apart', () => {
    const all = ['0.0.0.1', '::1', '1.0.0.0', '100::', '::1:0', '1::', 'fe80::1', '::10.1.2.3'].map(parseIp);
    expect(new Set(all.map((ip) => `${ip?.bits}/${ip?.value}`)).size).to.equal(all.length);
  });

  it('takes no name for an address', () => {
    for (const text of ['', 'a.example', '10.1', '1.2.3.256', '01.2.3.4', ':::', '1::2::3', '0x7f.1']) {
      expect(parseIp(text), text).to.equal(undefined);
    }
  });

  const inside: readonly (readonly [network: string, address: string, holds: boolean])[] = [
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.1.2.3', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['192.168.1.7', '192.168.1.7', true],
    ['192.168.1.7/32', '192.168.1.6', false],
    ['::1/128', '0:0:0:0:0:0:0:1', true],
  ];
  for (const [written, address, holds] of inside) {
    it(`${address} is ${holds ? '' : 'not '}in ${written}`, () => {
      const network = parseNetwork(written);
      const ip = parseIp(address);
      if (typeof network === 'string' || ip === undefined) throw new Error(String(network));
      expect(contains(network, ip)).to.equal(holds);
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['10.0.0.0/33', /from 0 to 32/],
    ['::/129', /from 0 to 128/],
    ['10.0.0.0/', /from 0 to 32/],
    ['10.0.0.0/-1', /from 0 to 32/],
    ['10.0.0.0/8/9', /from 0 to 32/],
    ['10.0.0.0/1e1', /from 0 to 32/],
    ['10.1.2.3/8', /bits set after the first 8/],
    ['2001:db8::1/32', /bits set after the first 32/],
    ['10.0.0/24', /is not an address or a network/],
    ['home/24', /is not an address or a network/],
  ];
  for (const [written, message] of refused)
    it(`refuses ${written}`, () => expect(parseNetwork(written)).to.match(message));
});
