import { expect } from 'chai';
import { fakeSys } from '../sys/fake-sys.spec.helper.js';
import { constantsFor, layoutFor, type PlatformName } from '../sys/layouts.js';
import { applySocketOptions, type SocketOptions } from './socket-options.js';

/** The calls of setsockopt(2) on a system of this kind, each as level, name and value. */
function calls(name: PlatformName, family: 4 | 6, options: SocketOptions): unknown {
  const layout = layoutFor(name, 8);
  if (layout === undefined) throw new Error('no layout');
  const made: (readonly [level: number, name: number, value: number | Buffer])[] = [];
  const sys = fakeSys({
    platform: { name, layout, constants: constantsFor(name) },
    interfaceIndex: () => 5,
    setsockopt: (_fd, level, option, value) => void made.push([level, option, value]),
  });
  applySocketOptions(3, family, options, sys);
  return made;
}

const SOL_SOCKET = 0xffff;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;

describe('socket options of systems that no test runs on', () => {
  const TIMES = { keepAlive: { idle: 60_000, interval: 15_000, count: 4 } };

  it('have the numbers of xnu: bsd/netinet/tcp.h, in.h, bsd/netinet6/in6.h', () => {
    expect(calls('darwin', 4, { ...TIMES, noDelay: true, dscp: 46, bindInterface: 'en0', bindPort: 1 })).to.deep.equal([
      [SOL_SOCKET, 0x8, 1],
      [IPPROTO_TCP, 0x10, 60], // TCP_KEEPALIVE: other systems call it TCP_KEEPIDLE
      [IPPROTO_TCP, 0x101, 15],
      [IPPROTO_TCP, 0x102, 4],
      [IPPROTO_TCP, 1, 1],
      [IPPROTO_IP, 3, 46 << 2],
      [IPPROTO_IP, 25, 5], // IP_BOUND_IF
      [SOL_SOCKET, 0x4, 1],
    ]);
    expect(calls('darwin', 6, { dscp: 46, bindInterface: 'en0' })).to.deep.equal([
      [IPPROTO_IPV6, 36, 46 << 2],
      [IPPROTO_IPV6, 125, 5], // IPV6_BOUND_IF
    ]);
  });

  it('have the numbers of freebsd-src: sys/netinet/tcp.h, in.h, sys/netinet6/in6.h', () => {
    expect(calls('freebsd', 4, { ...TIMES, noDelay: true, dscp: 46, bindPort: 1 })).to.deep.equal([
      [SOL_SOCKET, 0x8, 1],
      [IPPROTO_TCP, 256, 60],
      [IPPROTO_TCP, 512, 15],
      [IPPROTO_TCP, 1024, 4],
      [IPPROTO_TCP, 1, 1],
      [IPPROTO_IP, 3, 46 << 2],
      [SOL_SOCKET, 0x4, 1],
    ]);
    expect(calls('freebsd', 6, { dscp: 46 })).to.deep.equal([[IPPROTO_IPV6, 61, 46 << 2]]);
  });

  it('are refused where the system has none of the kind', () => {
    for (const options of [{ mark: 7 }, { fastOpen: true }, { userTimeout: 1000 }]) {
      for (const name of ['darwin', 'freebsd'] as const)
        expect(() => calls(name, 4, options)).to.throw(`option "${Object.keys(options)[0]}" is not supported on`);
    }
  });
});
