import type { NetworkInterfaceInfo } from 'node:os';
import { expect } from 'chai';
import { broadcastAddresses } from './broadcast.js';
import { MAC, magicPacket } from './magic-packet.js';

describe('magic packets', () => {
  for (const text of ['00:11:22:aa:bb:cc', '00-11-22-AA-BB-CC', '0011.22aa.bbcc', '001122AABBCC']) {
    it(`are made of ${text}`, () => {
      expect(text).to.match(MAC);
      expect(magicPacket(text).toString('hex')).to.equal('ff'.repeat(6) + '001122aabbcc'.repeat(16));
    });
  }

  for (const text of [
    '',
    '00:11:22:aa:bb',
    '00:11:22:aa:bb:cc:dd',
    '00:11:22:aa:bb:cg',
    '00:11-22:aa:bb:cc',
    '0:11:22:aa:bb:cc',
  ]) {
    it(`are not made of "${text}"`, () => {
      expect(text).not.to.match(MAC);
    });
  }
});

function ipv4(cidr: string, netmask: string, internal = false): NetworkInterfaceInfo {
  return { address: cidr.split('/')[0] ?? '', netmask, family: 'IPv4', mac: '00:00:00:00:00:00', internal, cidr };
}

const LOOPBACK = ipv4('127.0.0.1/8', '255.0.0.0', true);
const LAN = ipv4('192.168.1.7/24', '255.255.255.0');
const IPV6: NetworkInterfaceInfo = {
  address: 'fe80::1',
  netmask: 'ffff:ffff:ffff:ffff::',
  family: 'IPv6',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: 'fe80::1/64',
  scopeid: 2,
};

describe('the broadcast addresses of this machine', () => {
  const CASES: readonly (readonly [
    what: string,
    interfaces: Record<string, NetworkInterfaceInfo[]>,
    addresses: readonly string[],
  ])[] = [
    ['one network', { lo: [LOOPBACK], eth0: [LAN, IPV6] }, ['192.168.1.255']],
    [
      'several networks',
      { eth0: [LAN], eth1: [ipv4('10.1.130.4/20', '255.255.240.0'), ipv4('172.16.9.1/30', '255.255.255.252')] },
      ['192.168.1.255', '10.1.143.255', '172.16.9.3'],
    ],
    ['two addresses in one network', { eth0: [LAN, ipv4('192.168.1.8/24', '255.255.255.0')] }, ['192.168.1.255']],
    ['two hosts that only have each other', { wg0: [ipv4('10.0.0.2/31', '255.255.255.254')] }, ['255.255.255.255']],
    ['an address of its own', { wg0: [ipv4('10.0.0.2/32', '255.255.255.255')] }, ['255.255.255.255']],
    ['no IPv4', { eth0: [IPV6] }, ['255.255.255.255']],
    ['no network', { lo: [LOOPBACK] }, ['255.255.255.255']],
  ];
  for (const [what, interfaces, addresses] of CASES) {
    it(`with ${what}: ${addresses.join(', ')}`, () => {
      expect(broadcastAddresses(interfaces)).to.deep.equal(addresses);
    });
  }
});
