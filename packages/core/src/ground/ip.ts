/*
 * Literals of IP addresses, read by one parser. Not node:net: loading it takes longer than the rest of a dial, and so does
 * compiling its regular expression for IPv6.
 */
import { DIGIT_0, isDigit } from './digits.js';

const DOT = 0x2e;

/**
 * The 32 bits of an IPv4 literal as inet_pton(3) takes it, which is four decimal numbers without leading zeros; -1 for any other
 * text. Every dial asks several times, so it makes no objects, and a start would have to compile a regular expression.
 */
function ipv4Bits(text: string): number {
  let bits = 0;
  let count = 1;
  let number = -1; // no digit yet
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT && number !== -1) {
      bits = bits * 256 + number;
      count++;
      number = -1;
    } else if (isDigit(code) && number !== 0) {
      number = Math.max(number, 0) * 10 + code - DIGIT_0;
      if (number > 255) return -1;
    } else {
      return -1;
    }
  }
  return count === 4 && number !== -1 ? bits * 256 + number : -1;
}

function isIpv4(text: string): boolean {
  return ipv4Bits(text) !== -1;
}

/** The bytes of an IPv4 literal. */
function parseIpv4(text: string): number[] | undefined {
  const bits = ipv4Bits(text);
  return bits === -1 ? undefined : [bits >>> 24, (bits >>> 16) & 0xff, (bits >>> 8) & 0xff, bits & 0xff];
}

/** The eight groups of an IPv6 literal without its zone (RFC 4291, section 2.2); the last two can be written as IPv4. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map((half, index) => ipv6Groups(half, index === halves.length - 1));
  if (before === undefined || (halves.length === 2 && after === undefined)) return undefined;
  if (after === undefined) return before.length === 8 ? before : undefined;
  const missing = 8 - before.length - after.length;
  return missing >= 1 ? [...before, ...new Array<number>(missing).fill(0), ...after] : undefined;
}

function ipv6Groups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const tail = isLast && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (tail === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = tail;
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}

/** An IPv6 literal and its zone (RFC 4007, section 11), taken apart. */
function splitZone(text: string): readonly [address: string, zone: string | undefined] {
  const percent = text.indexOf('%');
  return percent === -1 ? [text, undefined] : [text.slice(0, percent), text.slice(percent + 1)];
}

/** The family of an address literal, an IPv6 one perhaps with a zone; 0 for anything else. */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (!text.includes(':')) return isIpv4(text) ? 4 : 0;
  const [address, zone] = splitZone(text);
  if (zone !== undefined && !/^[\w.:~-]+$/.test(zone)) return 0;
  return parseIpv6(address) === undefined ? 0 : 6;
}

/**
 * An address in the one form that fdpass writes it in; undefined for anything else. It reads what getaddrinfo(3) takes for
 * an address: `127.1`, `2130706433`, `0x7f000001` and `0177.0.0.1` are all 127.0.0.1, and so is `::ffff:7f00:1`, because
 * that is where a connection to it goes (RFC 4291, section 2.5.5.2). IPv6 is written as RFC 5952 has it; a zone is kept.
 */
export function canonicalAddress(text: string): string | undefined {
  if (!text.includes(':')) return isIpv4(text) ? text : readIpv4(text)?.join('.');
  if (ipFamily(text) === 0) return undefined;
  const ip = parseIp(text);
  if (ip?.bits === 32) return ipv6Bytes(text).subarray(12).join('.');
  const zone = splitZone(text)[1];
  return formatIpv6(ipv6Bytes(text)) + (zone === undefined ? '' : `%${zone}`);
}

/**
 * The bytes of an IPv4 address as inet_aton(3) takes it: one to four numbers, decimal, octal (`0…`) or hexadecimal (`0x…`),
 * of which the last fills the bytes that are left.
 */
function readIpv4(text: string): number[] | undefined {
  if (!isDigit(text.charCodeAt(0))) return undefined; // as almost every host is
  const numbers = text.split('.').map(readNumber);
  const last = numbers.pop() ?? Number.NaN;
  const left = 4 - numbers.length;
  if (left < 1 || !(last < 256 ** left) || !numbers.every((number) => number < 256)) return undefined;
  return [
    ...numbers,
    ...Array.from({ length: left }, (_, index) => Math.floor(last / 256 ** (left - 1 - index)) % 256),
  ];
}

/** A number as strtoul(3) reads it with base 0; NaN for anything else. */
function readNumber(text: string): number {
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^([1-9]\d*|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}

/** RFC 5952, through the URL parser, which writes IPv6 addresses that way. */
export function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

/** Whether an address is link-local (RFC 4291, section 2.5.6) and does not say on which interface. */
export function lacksZone(address: string): boolean {
  return /^fe[89ab][\da-f]:[^%]*$/i.test(address);
}

/** The four bytes of an IPv4 literal. */
export function ipv4Bytes(address: string): Buffer {
  return Buffer.from(parseIpv4(address) ?? []);
}

/** The sixteen bytes of an IPv6 literal; its zone is dropped, since it means nothing elsewhere. */
export function ipv6Bytes(address: string): Buffer {
  const groups = parseIpv6(splitZone(address)[0]) ?? [];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

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
 * The address that `text` is, or undefined if it is not one. A zone (`%eth0`) is ignored, and an IPv4-mapped
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
  if (address === undefined) return 'this is not an address or a network (ADDRESS/LENGTH)';
  const length =
    lengthText === undefined ? address.bits : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  if (!(length <= address.bits)) return `the length of a network must be from 0 to ${address.bits}`;
  const hostBits = BigInt(address.bits - length);
  const prefix = address.value >> hostBits;
  if (prefix << hostBits !== address.value) return `the network has bits set after the first ${length}`;
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
  if (family === 4) return { bits: 32, value: toInteger(ipv4Bytes(text)) };
  if (family === 6) return { bits: 128, value: toInteger(ipv6Bytes(text)) };
  return undefined;
}

function toInteger(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
