import { BlockList, isIP } from 'node:net';
import { expect } from 'chai';
import { contains, ipFamily, ipv4Bytes, ipv6Bytes, parseIp, parseNetwork } from './ip.js';
import { Random } from './random.spec.helper.js';

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

  describe('are told from other texts as node:net does it', () => {
    /** Mostly things that nearly are addresses: a random text seldom is one. */
    function randomText(random: Random): string {
      const number = (): string => random.pick(['0', '1', '9', '10', '99', '127', '255', '256', '01', '1e1', '', ' 1']);
      const group = (): string => random.pick(['0', '1', 'ff', 'FFFF', '0db8', '12345', 'g', '', '00001', '-1', '+1']);
      const v4 = (): string => Array.from({ length: random.chance(90) ? 4 : random.below(6) }, number).join('.');
      const v6 = (): string => {
        const groups = Array.from({ length: random.chance(50) ? 8 : random.below(10) }, () =>
          random.chance(90) ? random.pick(['0', '1', 'a', 'ff', '2001', 'Db8']) : group(),
        );
        if (random.chance(40)) groups[random.below(groups.length + 1)] = '';
        const tail = random.chance(25) ? `:${v4()}` : '';
        const text = `${groups.join(':')}${tail}`;
        return random.chance(50) ? text.replace(/^:|:$/g, '::') : text;
      };
      const zone = (): string => (random.chance(20) ? random.pick(['%eth0', '%1', '%', '%a b', '%a%b', '%e-t.h']) : '');
      return random.pick([v4, v6, () => random.text('01f:.%/', 12)])() + zone();
    }

    it('for 50,000 random texts', () => {
      const random = new Random(11);
      const seen = new Map<number, number>();
      for (let i = 0; i < 50_000; i++) {
        const text = randomText(random);
        const family = isIP(text);
        seen.set(family, (seen.get(family) ?? 0) + 1);
        expect(ipFamily(text), JSON.stringify(text)).to.equal(family);
        expect(parseIp(text) !== undefined, JSON.stringify(text)).to.equal(family !== 0);
      }
      for (const family of [0, 4, 6]) expect(seen.get(family), `family ${family}`).to.be.greaterThan(1000);
    });

    it('and have the value that node:net compares by', () => {
      const random = new Random(12);
      const isSame = (a: string, b: string): boolean => {
        const list = new BlockList();
        list.addAddress(a, 'ipv6');
        return list.check(b, 'ipv6');
      };
      for (let compared = 0; compared < 2000; ) {
        const [a = '', b = ''] = [randomText(random), randomText(random)].map((text) => text.split('%', 1)[0]);
        if (isIP(a) !== 6 || isIP(b) !== 6 || a.includes('.') || b.includes('.')) continue;
        compared++;
        expect(parseIp(a)?.value === parseIp(b)?.value, `${a} ${b}`).to.equal(isSame(a, b));
      }
    });
  });

  it('have bytes in network order', () => {
    expect([...ipv4Bytes('192.0.2.255')]).to.deep.equal([192, 0, 2, 255]);
    expect(ipv6Bytes('2001:db8::1:2').toString('hex')).to.equal('20010db8000000000000000000010002');
    expect(ipv6Bytes('::ffff:10.1.2.3').toString('hex')).to.equal('00000000000000000000ffff0a010203');
    expect(ipv6Bytes('fe80::1%eth0').toString('hex')).to.equal('fe800000000000000000000000000001');
  });
});
