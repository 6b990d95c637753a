import { expect } from 'chai';
import { addrinfoError, addrinfoHints, addrinfoLayout, readAddrinfos } from './addrinfo.js';
import { constantsFor, layoutFor, type PlatformName } from './layouts.js';
import type { Platform } from './platform.js';

function platformOf(name: PlatformName, pointerSize: 4 | 8, littleEndian = true): Platform {
  const layout = layoutFor(name, pointerSize, littleEndian);
  if (layout === undefined) throw new Error('no layout');
  return { name, layout, constants: constantsFor(name) };
}

describe('struct addrinfo', () => {
  it('lies in memory as the C libraries say', () => {
    expect(addrinfoLayout('linux-glibc', 8)).to.deep.equal({ size: 48, addr: 24, next: 40 });
    expect(addrinfoLayout('linux-musl', 8)).to.deep.equal({ size: 48, addr: 24, next: 40 });
    expect(addrinfoLayout('linux-musl', 4)).to.deep.equal({ size: 32, addr: 20, next: 28 });
    expect(addrinfoLayout('darwin', 8)).to.deep.equal({ size: 48, addr: 32, next: 40 });
    expect(addrinfoLayout('freebsd', 4)).to.deep.equal({ size: 32, addr: 24, next: 28 });
  });

  it('asks for stream sockets of a family', () => {
    const hints = addrinfoHints(10, platformOf('linux-glibc', 8));
    expect(hints.toString('hex')).to.equal(`00000000${'0a000000'}01000000${'00'.repeat(36)}`);
  });

  for (const littleEndian of [true, false]) {
    it(`is read to its end, ${littleEndian ? 'little' : 'big'}-endian`, () => {
      const memory = Buffer.alloc(256);
      const int = (value: number, at: number): unknown =>
        littleEndian ? memory.writeUInt32LE(value, at) : memory.writeUInt32BE(value, at);
      const pointer = (value: bigint, at: number): unknown =>
        littleEndian ? memory.writeBigUInt64LE(value, at) : memory.writeBigUInt64BE(value, at);
      const entry = (at: number, address: bigint, length: number, next: bigint): void => {
        int(length, at + 16);
        pointer(address, at + 24);
        pointer(next, at + 40);
      };
      entry(8, 200n, 4, 64n);
      entry(64, 0n, 0, 128n); // an entry without an address
      entry(128, 204n, 3, 0n);
      memory.write('onetwo!', 200);
      const read = (at: bigint, length: number): Buffer => memory.subarray(Number(at), Number(at) + length);
      const found = readAddrinfos(8n, platformOf('linux-glibc', 8, littleEndian), read);
      expect(found.map(String)).to.deep.equal(['onet', 'wo!']);
    });
  }

  it('names its errors', () => {
    expect(addrinfoError(-2, 'linux-musl')).to.equal('EAI_NONAME');
    expect(addrinfoError(8, 'darwin')).to.equal('EAI_NONAME');
    expect(addrinfoError(-99, 'linux-glibc')).to.equal('EAI_-99');
  });
});
