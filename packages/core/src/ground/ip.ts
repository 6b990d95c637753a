import { ipFamily } from './ip-family.js';

/** An IP address by value, so that `::1` and `0:0:0:0:0:0:0:1` are the same. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** A block of addresses: those that share their first `length` bits. */
export interface Network {
  readonly bits: 32 | 128;
  readonly length: number;
  /** The first `length` bits. */
  readonly prefix: bigint;
}

/** IPv4-mapped addresses are `::ffff:0:0/96` (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;
const MAPPED_LENGTH = 96;

/**
 * The address that `text` writes, or undefined if it writes none. A zone (`%eth0`) is ignored, and an IPv4-mapped
 * IPv6 address is the IPv4 address in it, because that is where a connection to it goes.
 */
export function parseIp(text: string): IpAddress | undefined {
  const address = parseLiteral(text);
  return address !== undefined && isMapped(address) ? { bits: 32, value: address.value & 0xffff_ffffn } : address;
}

/** The network `address/length`, or a message that says why there is none. Without a length: that one address. */
export function parseNetwork(text: string): Network | string {
  const slash = text.indexOf('/');
  const literal = slash === -1 ? text : text.slice(0, slash);
  const lengthText = slash === -1 ? undefined : text.slice(slash + 1);
  const address = parseLiteral(literal);
  if (address === undefined) return `${JSON.stringify(text)} is no address and no network (ADDRESS/LENGTH)`;
  const length =
    lengthText === undefined ? address.bits : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  if (!(length <= address.bits)) return `${JSON.stringify(text)}: the length must be from 0 to ${address.bits}`;
  const hostBits = BigInt(address.bits - length);
  const prefix = address.value >> hostBits;
  if (prefix << hostBits !== address.value) return `${JSON.stringify(text)} has bits set after the first ${length}`;
  if (isMapped(address) && length >= MAPPED_LENGTH) {
    return { bits: 32, length: length - MAPPED_LENGTH, prefix: (address.value & 0xffff_ffffn) >> hostBits };
  }
  return { bits: address.bits, length, prefix };
}

/** Whether `address` lies in `network`. */
export function contains(network: Network, address: IpAddress): boolean {
  return network.bits === address.bits && address.value >> BigInt(network.bits - network.length) === network.prefix;
}

function isMapped(address: IpAddress): boolean {
  return address.bits === 128 && address.value >> 32n === MAPPED_PREFIX;
}

function parseLiteral(text: string): IpAddress | undefined {
  const family = ipFamily(text);
  if (family === 4) return { bits: 32, value: BigInt(ipv4Value(text)) };
  if (family === 6) return { bits: 128, value: ipv6Value(text.split('%', 1)[0] ?? '') };
  return undefined;
}

function ipv4Value(text: string): number {
  return text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

/** RFC 4291 §2.2: eight groups, one `::` for as many zero groups as are missing, the last two perhaps as IPv4. */
function ipv6Value(text: string): bigint {
  const [before = [], after = []] = text.split('::', 2).map(ipv6Groups);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const value = ipv4Value(group);
    return [Math.floor(value / 65536), value % 65536];
  });
}
