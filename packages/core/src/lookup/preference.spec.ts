import { expect } from 'chai';
import { fakeSys, systemError } from '../sys/fake-sys.spec.helper.js';
import { detectPlatform } from '../sys/platform.js';
import { decodeAddress, encodeSockaddr } from '../sys/sockaddr.js';
import type { Sys } from '../sys/sys.js';
import { defaultPolicy, parsePolicy } from './policy.js';
import { compareBy } from './preference.js';
import type { HostAddress } from './resolver.js';

const platform = detectPlatform();

/** A machine that has these sources for destinations, and no other routes. Counts its open sockets. */
function machine(sources: Readonly<Record<string, string>>, hasIpv6 = true): { readonly sys: Sys; open: number } {
  const result = { sys: undefined as unknown as Sys, open: 0 };
  let source: HostAddress | undefined;
  result.sys = fakeSys({
    interfaceIndex: () => 3,
    socket(family, type) {
      expect(type, 'SOCK_DGRAM').to.equal(2);
      if (family === platform.constants.AF_INET6 && !hasIpv6) throw systemError('EAFNOSUPPORT');
      return ++result.open;
    },
    connect(_fd, sockaddr) {
      const to = decodeAddress(sockaddr, platform);
      const host = to !== undefined && 'address' in to ? sources[to.address] : undefined;
      if (host === undefined) throw systemError('ENETUNREACH');
      source = { host, family: host.includes(':') ? 6 : 4 };
      return true;
    },
    getsockname: () => encodeSockaddr({ ...(source as HostAddress), port: 0 }, platform),
    close: () => void result.open--,
  });
  return result;
}

const OURS = { '2001:db8::1': '2001:db8::f', '192.0.2.1': '192.0.2.9', '127.0.0.1': '127.0.0.1', '::1': '::1' };

/** Each row says which address goes first and why, on systems that have the tables of RFC 6724 itself. */
const TABLE: readonly (readonly [
  why: string,
  first: string,
  second: string,
  sources?: Readonly<Record<string, string>>,
])[] = [
  ['rule 6: IPv6 has the higher precedence', '2001:db8::1', '192.0.2.1', OURS],
  ['rule 6: ::1 has the highest', '::1', '127.0.0.1', OURS],
  ['rule 1: there is no route to the IPv6 address', '192.0.2.1', '2001:db8::1', { '192.0.2.1': '192.0.2.9' }],
  ['rule 1: the other is a better one, but unreachable', 'fd00::1', '192.0.2.1', { 'fd00::1': 'fe80::f' }],
  ['rule 1: there is no route to the IPv4 address', '2001:db8::1', '192.0.2.1', { '2001:db8::1': '2001:db8::f' }],
  ['rule 6: there is no route to either', '2001:db8::1', '192.0.2.1'],
  ['rule 2: the IPv6 source is link-local', '192.0.2.1', '2001:db8::1', { ...OURS, '2001:db8::1': 'fe80::1' }],
  ['rule 2: the IPv4 source is link-local', '2001:db8::1', '192.0.2.1', { ...OURS, '192.0.2.1': '169.254.1.1' }],
  ['rule 2: the IPv6 source is site-local', '192.0.2.1', '2001:db8::1', { ...OURS, '2001:db8::1': 'fec0::1' }],
  ['rule 2: both are link-local, with a zone', 'fe80::1%eth0', '192.0.2.1', { ...OURS, 'fe80::1': 'fe80::2' }],
  ['rule 5: the IPv6 source is unique-local', '192.0.2.1', '2001:db8::1', { ...OURS, '2001:db8::1': 'fd00::1' }],
  ['rule 5: the IPv6 source is 6to4', '192.0.2.1', '2001:db8::1', { ...OURS, '2001:db8::1': '2002::1' }],
  ['rule 6: unique-local has a low precedence', '192.0.2.1', 'fd00::1', { ...OURS, 'fd00::1': 'fd00::f' }],
  ['rule 6: 6to4 has a low precedence', '192.0.2.1', '2002::1', { ...OURS, '2002::1': '2002::f' }],
  ['rule 6: Teredo has a low precedence', '192.0.2.1', '2001::1', { ...OURS, '2001::1': '2001::f' }],
];

describe('the preference between addresses', () => {
  const rfc = defaultPolicy('darwin');
  const address = (host: string): HostAddress => ({ host, family: host.includes(':') ? 6 : 4 });

  for (const [why, first, second, sources = {}] of TABLE) {
    it(`is ${first} before ${second}: ${why}`, () => {
      const { sys } = machine(sources);
      expect(compareBy(address(first), address(second), sys, rfc)).to.be.below(0);
      expect(compareBy(address(second), address(first), sys, rfc)).to.be.above(0);
    });
  }

  it('is IPv4 where the kernel has no IPv6, and leaves no socket open', () => {
    const { sys } = machine(OURS, false);
    expect(compareBy(address('::1'), address('192.0.2.1'), sys, rfc)).to.be.above(0);
    const other = machine(OURS);
    expect(compareBy(address('::1'), address('203.0.113.1'), other.sys, rfc)).to.be.below(0);
    expect(other.open).to.equal(0);
  });

  it('is decided by the scope, the narrower first, where nothing else does (rule 8)', () => {
    const policy = parsePolicy('label ::/0 1\nprecedence ::/0 1\n', rfc);
    const { sys } = machine({ ...OURS, 'fec0::1': 'fec0::f' });
    expect(compareBy(address('127.0.0.1'), address('2001:db8::1'), sys, policy)).to.be.below(0);
    expect(compareBy(address('::1'), address('fec0::1'), sys, policy)).to.be.below(0);
    expect(compareBy(address('fec0::1'), address('192.0.2.1'), sys, policy)).to.be.below(0);
    expect(compareBy(address('192.0.2.1'), address('2001:db8::1'), sys, policy)).to.equal(0);
  });
});
