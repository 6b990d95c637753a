import { findSys } from '../sys/koffi.js';
import { encodeSockaddr, familyNumber, ipBytes } from '../sys/sockaddr.js';
import type { Sys } from '../sys/sys.js';
import { MAPPED, type Policy, systemPolicy, valueFor } from './policy.js';
import type { HostAddress } from './resolver.js';

/*
 * Which of two addresses goes first, as getaddrinfo(3) would sort them (RFC 6724, section 6). Happy Eyeballs needs it for the
 * answers to two questions: it asks for each family on its own, and libc sorts within one answer only.
 *
 * Left out are the rules about more than the value of a source address (3, 4 and 7), and rule 9, which is for two addresses of
 * one family.
 */

/** As sort() takes it: below 0 if `one` goes before `other`, above 0 if after it. */
export type CompareAddresses = (one: HostAddress, other: HostAddress) => number;

/** {@link CompareAddresses} with the routes and the policy of this machine. IPv6 goes first where koffi is missing. */
export const compareAddresses: CompareAddresses = (one, other) => {
  const sys = findSys();
  return sys === undefined ? other.family - one.family : compareBy(one, other, sys, systemPolicy(sys.platform.name));
};

/** The same with the system calls and the policy of a machine. */
export function compareBy(one: HostAddress, other: HostAddress, sys: Sys, policy: Policy): number {
  const [first, second] = [describe(one, sys, policy), describe(other, sys, policy)];
  return (
    whetherFirst(first.isReachable, second.isReachable) || // rule 1
    whetherFirst(first.hasScopeOfSource, second.hasScopeOfSource) || // rule 2
    whetherFirst(first.hasLabelOfSource, second.hasLabelOfSource) || // rule 5
    second.precedence - first.precedence || // rule 6
    first.scope - second.scope // rule 8
  );
}

function whetherFirst(one: boolean, other: boolean): number {
  return Number(other) - Number(one);
}

/** What the rules compare. */
interface Destination {
  readonly isReachable: boolean;
  readonly hasScopeOfSource: boolean;
  readonly hasLabelOfSource: boolean;
  readonly precedence: number;
  readonly scope: number;
}

const SOCK_DGRAM = 2;
/** Any port will do, except 0 on the BSDs. */
const DISCARD_PORT = 9;

function describe(address: HostAddress, sys: Sys, policy: Policy): Destination {
  const place = { ...address, port: DISCARD_PORT };
  const sockaddr = encodeSockaddr(place, sys.platform, sys.interfaceIndex);
  const source = sourceFor(sockaddr, familyNumber(place, sys.platform), sys);
  const destination = toIpv6(sockaddr, sys);
  const scope = scopeOf(destination, policy);
  return {
    isReachable: source !== undefined,
    hasScopeOfSource: source !== undefined && scopeOf(source, policy) === scope,
    hasLabelOfSource: source !== undefined && valueFor(source, policy.label) === valueFor(destination, policy.label),
    precedence: valueFor(destination, policy.precedence),
    scope,
  };
}

/** The address that the kernel would connect from; undefined if there is no route. connect(2) of a UDP socket sends nothing. */
function sourceFor(destination: Buffer, family: number, sys: Sys): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = sys.socket(family, SOCK_DGRAM, 0);
    sys.connect(fd, destination);
    return toIpv6(sys.getsockname(fd), sys);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) sys.close(fd);
  }
}

/** The bytes of an address, those of an IPv4 one as an IPv4-mapped IPv6 address. */
function toIpv6(sockaddr: Buffer, { platform }: Sys): Uint8Array {
  const bytes = ipBytes(sockaddr, platform);
  return bytes.length === 4 ? Uint8Array.of(...MAPPED, ...bytes) : bytes;
}

const LINK_LOCAL = 0x2;
const SITE_LOCAL = 0x5;
const GLOBAL = 0xe;

/** RFC 6724, section 3.1, and for IPv4 section 3.2. */
function scopeOf(address: Uint8Array, policy: Policy): number {
  const isMapped = MAPPED.every((byte, at) => address[at] === byte);
  if (isMapped) return valueFor(address, policy.scopev4);
  const isLoopback = address.every((byte, at) => byte === (at === 15 ? 1 : 0));
  const start = ((address[0] ?? 0) << 8) | (address[1] ?? 0);
  if (isLoopback || (start & 0xffc0) === 0xfe80) return LINK_LOCAL;
  return (start & 0xffc0) === 0xfec0 ? SITE_LOCAL : GLOBAL;
}
