import { expect } from 'chai';
import { matchPort, parsePortRange } from './ports.js';

describe('ports', () => {
  it('are numbers, texts and ranges with both ends', () => {
    const ranges = [parsePortRange(22), parsePortRange('443'), parsePortRange('2200-2299')];
    const ports = [21, 22, 23, 443, 2199, 2200, 2299, 2300];
    expect(ports.filter((port) => matchPort(ranges, port))).to.deep.equal([22, 443, 2200, 2299]);
  });

  for (const port of [0, 65536, 22.5, -1, '', 'ssh', '20-10', '1-65536', '0-5', '1-2-3', ' 22', '0x16', '*']) {
    it(`refuse ${JSON.stringify(port)}`, () =>
      expect(() => parsePortRange(port))
        .to.throw(/neither a port nor a range/)
        .with.property('code', 'config'));
  }
});
