import { lookup as nodeLookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { expect } from 'chai';
import { libcResolver } from './resolver.js';

const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER); // a thousand look-ups listen to it at the same time

describe('the look-up by libc', () => {
  it('answers as dns.lookup does', async () => {
    const node = await nodeLookup('localhost', { all: true, verbatim: true });
    const ours = await libcResolver('localhost', 0, NEVER);
    expect(ours).to.deep.equal(node.map(({ address, family }) => ({ host: address, family })));
  });

  it('answers for one family', async () => {
    expect(await libcResolver('127.0.0.1', 4, NEVER)).to.deep.equal([{ host: '127.0.0.1', family: 4 }]);
    expect(await libcResolver('2001:DB8::0:1', 6, NEVER)).to.deep.equal([{ host: '2001:db8::1', family: 6 }]);
  });

  it('keeps the zone of an address', async () => {
    expect(await libcResolver('fe80::1%lo', 6, NEVER)).to.deep.equal([{ host: 'fe80::1%1', family: 6 }]);
  });

  it('answers a thousand at once, each its own', async () => {
    const hosts = Array.from({ length: 1000 }, (_, index) => `127.${index >> 8}.${index & 255}.1`);
    const answers = await Promise.all(hosts.map((host) => libcResolver(host, 0, NEVER)));
    expect(answers.map(([address]) => address?.host)).to.deep.equal(hosts);
  });

  it('keeps what it lent to other threads from being collected', async () => {
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 50 }, () => libcResolver('127.0.0.1', 4, NEVER));
      for (let size = 0; size < 100; size++) Buffer.alloc(1 << 16);
      expect((await Promise.all(answers)).flat()).to.have.length(50);
    }
  });
});
