import { readFileSync } from 'node:fs';
import { ipFamily, ipv4Bytes, ipv6Bytes } from '../ground/ip.js';
import type { PlatformName } from '../sys/layouts.js';

/*
 * The policy table of RFC 6724, section 2.1: what an address is worth by its prefix. Administrators can write their own into
 * glibc's gai.conf(5). Addresses are the bytes of IPv6 addresses here, IPv4 ones IPv4-mapped.
 */

/** Values by prefix, the longest prefix first, down to one for all addresses. */
export type PolicyTable = readonly PolicyEntry[];

interface PolicyEntry {
  /** Bytes that are left out are 0. */
  readonly prefix: readonly number[];
  /** How many bits of it count. */
  readonly length: number;
  readonly value: number;
}

/** What the rules compare. */
export interface Policy {
  readonly label: PolicyTable;
  readonly precedence: PolicyTable;
  /** RFC 6724, section 3.2: the scopes of IPv4 addresses. */
  readonly scopev4: PolicyTable;
}

/** The first bytes of an IPv4-mapped address (RFC 4291, section 2.5.5.2). */
export const MAPPED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const LOOPBACK = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const IPV4_COMPATIBLE: readonly number[] = [];
const ANY: readonly number[] = [];
const SIX_TO_FOUR = [0x20, 0x02];
const TEREDO = [0x20, 0x01];
const SIX_BONE = [0x3f, 0xfe];
const SITE_LOCAL = [0xfe, 0xc0];
const UNIQUE_LOCAL = [0xfc];

type Row = readonly [prefix: readonly number[], length: number, precedence: number, label: number];

const RFC_6724: readonly Row[] = [
  [LOOPBACK, 128, 50, 0],
  [IPV4_COMPATIBLE, 96, 1, 3],
  [MAPPED, 96, 35, 4],
  [TEREDO, 32, 5, 5],
  [SIX_TO_FOUR, 16, 30, 2],
  [SIX_BONE, 16, 1, 12],
  [SITE_LOCAL, 10, 1, 11],
  [UNIQUE_LOCAL, 7, 3, 13],
  [ANY, 0, 40, 1],
];

/** gai.conf(5): glibc has stayed with RFC 3484, and with labels of its own. */
const GLIBC: readonly Row[] = [
  [LOOPBACK, 128, 50, 0],
  [IPV4_COMPATIBLE, 96, 20, 3],
  [MAPPED, 96, 10, 4],
  [TEREDO, 32, 40, 7],
  [SIX_TO_FOUR, 16, 30, 2],
  [SITE_LOCAL, 10, 40, 5],
  [UNIQUE_LOCAL, 7, 40, 6],
  [ANY, 0, 40, 1],
];

/** What holds for every address where nothing else is written, as in glibc. */
const FOR_ALL: Readonly<Record<keyof Policy, number>> = { label: 1, precedence: 40, scopev4: 14 };

const SCOPES: PolicyTable = [
  { prefix: [...MAPPED, 169, 254], length: 96 + 16, value: 2 },
  { prefix: [...MAPPED, 127], length: 96 + 8, value: 2 },
  { prefix: ANY, length: 0, value: FOR_ALL.scopev4 },
];

let known: Policy | undefined;

/** The policy of this machine, read once, as glibc does. */
export function systemPolicy(platform: PlatformName): Policy {
  known ??= parsePolicy(platform === 'linux-glibc' ? readText('/etc/gai.conf') : '', defaultPolicy(platform));
  return known;
}

/** What holds where nothing is configured. Other systems than glibc's do not let programs see more. */
export function defaultPolicy(platform: PlatformName): Policy {
  const rows = platform === 'linux-glibc' ? GLIBC : RFC_6724;
  return {
    label: rows.map(([prefix, length, , value]) => ({ prefix, length, value })),
    precedence: rows.map(([prefix, length, value]) => ({ prefix, length, value })),
    scopev4: SCOPES,
  };
}

/**
 * The tables in a text of the form of gai.conf(5). What is malformed is left out, as by glibc.
 *
 * @param defaults For the kinds of lines that the text does not have.
 */
export function parsePolicy(text: string, defaults: Policy): Policy {
  if (!/^[^#\n]*\w/m.test(text)) return defaults; // only comments, as Debian installs it
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  const tableOf = (kind: keyof Policy): PolicyTable => {
    const own = lines.filter(([word]) => word === kind);
    const entries = own.flatMap(([, prefix = '', value = '']) => parseEntry(kind, prefix, value));
    if (entries.length === 0) return defaults[kind];
    return [...entries, { prefix: ANY, length: 0, value: FOR_ALL[kind] }].sort(
      (one, other) => other.length - one.length,
    );
  };
  return { label: tableOf('label'), precedence: tableOf('precedence'), scopev4: tableOf('scopev4') };
}

function parseEntry(kind: keyof Policy, written: string, value: string): PolicyEntry[] {
  const [address = '', bits] = written.split('/');
  const family = ipFamily(address);
  if (family === 0 || (family === 4 && kind !== 'scopev4')) return [];
  const prefix = family === 4 ? [...MAPPED, ...ipv4Bytes(address)] : [...ipv6Bytes(address)];
  const length = family === 4 ? 96 + toNumber(bits ?? '32') : toNumber(bits ?? '128');
  if (!(length <= 128) || Number.isNaN(toNumber(value))) return [];
  return [{ prefix, length, value: toNumber(value) }];
}

/** As strtoul(3) reads it: a number that is missing is 0. */
function toNumber(digits: string): number {
  return /^\d*$/.test(digits) ? Number(digits) : Number.NaN;
}

/** The value of an address. */
export function valueFor(address: Uint8Array, table: PolicyTable): number {
  return table.find(({ prefix, length }) => hasPrefix(address, prefix, length))?.value ?? 0;
}

function hasPrefix(address: Uint8Array, prefix: readonly number[], length: number): boolean {
  for (let at = 0; at * 8 < length; at++) {
    const unused = Math.max(0, at * 8 + 8 - length);
    if ((address[at] ?? 0) >> unused !== (prefix[at] ?? 0) >> unused) return false;
  }
  return true;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // few systems have one
  }
}
