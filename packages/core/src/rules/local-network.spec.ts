import { isIP } from 'node:net';
import { expect } from 'chai';
import { parseIp } from '../ground/ip.js';
import { matchLocalNetworks, ownAddresses, parseLocalNetwork } from './local-network.js';

describe('local networks', () => {
  const table: readonly (readonly [list: readonly string[], own: readonly string[], holds: boolean])[] = [
    [['192.168.1.0/24'], ['127.0.0.1', '192.168.1.7'], true],
    [['192.168.1.0/24'], ['127.0.0.1', '192.168.2.7'], false],
    [['192.168.1.0/24', '10.0.0.0/8'], ['10.1.1.1'], true],
    [['192.168.0.0/16', '!192.168.5.0/24'], ['192.168.5.1'], false],
    [['192.168.0.0/16', '!192.168.5.0/24'], ['192.168.4.1', '192.168.5.1'], false],
    [['!192.168.5.0/24'], ['10.0.0.1'], true],
    [['!192.168.5.0/24'], ['192.168.5.1'], false],
    [['fe80::/10'], ['fe80::1%eth0'], true],
    [['192.168.1.7'], ['192.168.1.7'], true],
    [['0.0.0.0/0'], [], false],
  ];
  for (const [list, own, holds] of table) {
    it(`${JSON.stringify(list)} ${holds ? 'holds' : 'does not hold'} with ${JSON.stringify(own)}`, () => {
      const addresses = own.flatMap((address) => parseIp(address) ?? []);
      expect(matchLocalNetworks(list.map(parseLocalNetwork), addresses)).to.equal(holds);
    });
  }

  for (const bad of ['home', '', '!', '10.0.0.0/40', '10.1.1.1/8', 'eth0']) {
    it(`refuse ${JSON.stringify(bad)}`, () =>
      expect(() => parseLocalNetwork(bad))
        .to.throw()
        .with.property('code', 'config'));
  }

  it('know the addresses of this machine', () => {
    for (const address of ownAddresses()) expect(isIP(address), address).to.be.greaterThan(0);
  });
});
