import { expect } from 'chai';
import { isFdpassError } from '../ground/errors.js';
import { constantsFor, layoutFor, type PlatformName } from './layouts.js';
import type { Platform } from './platform.js';
import { decodeAddress, encodeSockaddr, formatAddress, type SocketAddress } from './sockaddr.js';

function platformOf(name: PlatformName, littleEndian = true): Platform {
  const layout = layoutFor(name, 8, littleEndian);
  if (layout === undefined) throw new Error('no layout');
  return { name, layout, constants: constantsFor(name) };
}

const LINUX = platformOf('linux-glibc');
const BIG_ENDIAN = platformOf('linux-musl', false);
const DARWIN = platformOf('darwin');

const scopeId = (zone: string): number | undefined => (zone === 'eth0' ? 3 : undefined);

function refusal(address: SocketAddress, platform: Platform): string {
  try {
    encodeSockaddr(address, platform, scopeId);
  } catch (error) {
    if (isFdpassError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('not refused');
}

describe('struct sockaddr', () => {
  const encoded: readonly (readonly [what: string, address: SocketAddress, platform: Platform, hex: string])[] = [
    ['IPv4 on Linux', { family: 4, host: '192.0.2.1', port: 22 }, LINUX, `0200${'0016c0000201'}${'00'.repeat(8)}`],
    ['IPv4, big-endian', { family: 4, host: '192.0.2.1', port: 22 }, BIG_ENDIAN, `00020016c0000201${'00'.repeat(8)}`],
    ['IPv4 on macOS', { family: 4, host: '192.0.2.1', port: 22 }, DARWIN, `10020016c0000201${'00'.repeat(8)}`],
    [
      'IPv6 with a zone',
      { family: 6, host: 'fe80::1%eth0', port: 22 },
      LINUX,
      `0a000016${'00000000'}fe800000000000000000000000000001${'03000000'}`,
    ],
    [
      'IPv6 with a zone on macOS',
      { family: 6, host: 'fe80::1%eth0', port: 22 },
      DARWIN,
      `1c1e0016${'00000000'}fe800000000000000000000000000001${'03000000'}`,
    ],
    ['a path', { path: '/x' }, LINUX, '01002f7800'],
    ['a path on macOS', { path: '/x' }, DARWIN, '05012f7800'],
    ['an abstract name, which has no NUL at its end', { path: '@x' }, LINUX, '01000078'],
  ];
  for (const [what, address, platform, hex] of encoded) {
    it(`of ${what} is as the kernel wants it`, () => {
      const bytes = encodeSockaddr(address, platform, scopeId);
      expect(bytes.toString('hex')).to.equal(hex);
    });
  }

  it('of a virtual machine is as the kernel wants it', function () {
    if (process.platform !== 'linux') this.skip();
    const bytes = encodeSockaddr({ cid: 3, port: 22 }, LINUX);
    expect(bytes.toString('hex')).to.equal('28000000160000000300000000000000');
    expect(decodeAddress(bytes, LINUX)).to.deep.equal({ cid: 3, port: 22 });
  });

  it('tells what was put in', () => {
    for (const platform of [LINUX, BIG_ENDIAN, DARWIN]) {
      const decode = (address: SocketAddress): unknown =>
        decodeAddress(encodeSockaddr(address, platform, scopeId), platform);
      expect(decode({ family: 4, host: '192.0.2.1', port: 65_535 })).to.deep.equal({
        address: '192.0.2.1',
        port: 65_535,
      });
      expect(decode({ family: 6, host: '2001:DB8:0:0::1', port: 1 })).to.deep.equal({
        address: '2001:db8::1',
        port: 1,
      });
      expect(decode({ family: 6, host: 'fe80::1%eth0', port: 1 })).to.deep.equal({
        address: 'fe80::1',
        port: 1,
        scope: 3,
      });
      expect(decode({ path: '/run/x' })).to.deep.equal({ path: '/run/x' });
      expect(decode({ path: '@x' })).to.deep.equal({ path: '@x' });
    }
  });

  it('of an unnamed or unknown socket tells nothing', () => {
    expect(decodeAddress(Buffer.alloc(0), DARWIN)).to.equal(undefined);
    expect(decodeAddress(Buffer.from('0100', 'hex'), LINUX)).to.equal(undefined);
    expect(decodeAddress(Buffer.from('1000000000000000', 'hex'), LINUX)).to.equal(undefined); // AF_NETLINK
  });

  it('is refused for a zone that is not an interface, and a path that is too long', () => {
    expect(refusal({ family: 6, host: 'fe80::1%nonesuch', port: 22 }, LINUX)).to.equal(
      'config: there is no interface "nonesuch"',
    );
    for (const [platform, limit] of [
      [LINUX, 107],
      [DARWIN, 103],
    ] as const) {
      encodeSockaddr({ path: `/${'x'.repeat(limit - 1)}` }, platform);
      expect(refusal({ path: `/${'x'.repeat(limit)}` }, platform)).to.match(
        new RegExp(`^config: the path of the socket is longer than ${limit} bytes$`),
      );
    }
  });

  it('is shown with brackets around an IPv6 literal', () => {
    expect(formatAddress({ family: 6, host: '::1', port: 22 })).to.equal('[::1]:22');
    expect(formatAddress({ family: 4, host: '192.0.2.1', port: 22 })).to.equal('192.0.2.1:22');
    expect(formatAddress({ cid: 3, port: 22 })).to.equal('vsock:3:22');
    expect(formatAddress({ path: '/run/x' })).to.equal('/run/x');
  });
});
