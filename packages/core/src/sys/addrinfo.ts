import type { PlatformName } from './layouts.js';
import type { Platform } from './platform.js';

/*
 * `struct addrinfo` (getaddrinfo(3), <netdb.h>) as data. Four ints, then the length of the address, then three pointers:
 * the address and the canonical name, in this order on Linux and in the other on the BSDs, and the next entry.
 */
interface AddrinfoLayout {
  readonly size: number;
  readonly addr: number;
  readonly next: number;
}

const FAMILY_AT = 4;
const SOCKTYPE_AT = 8;
const ADDRLEN_AT = 16;
const SOCK_STREAM = 1;

/** Where things lie in this platform's `struct addrinfo`. */
export function addrinfoLayout(platform: PlatformName, pointerSize: 4 | 8): AddrinfoLayout {
  const pointers = pointerSize === 8 ? 24 : 20; // a pointer of 8 bytes is aligned to 8
  const addr = platform.startsWith('linux') ? pointers : pointers + pointerSize;
  return { size: pointers + 3 * pointerSize, addr, next: pointers + 2 * pointerSize };
}

/** The hints that ask for the addresses of stream sockets of one address family (an `AF_` constant; 0 for any). */
export function addrinfoHints(family: number, { name, layout }: Platform): Buffer {
  const hints = Buffer.alloc(addrinfoLayout(name, layout.pointerSize).size);
  const ints = new Int32Array(hints.buffer, hints.byteOffset, hints.length >> 2);
  ints[FAMILY_AT >> 2] = family;
  ints[SOCKTYPE_AT >> 2] = SOCK_STREAM;
  return hints;
}

/** The raw `sockaddr`s of the list that begins at `first`; `read` gives the bytes at an address in memory. */
export function readAddrinfos(
  first: bigint,
  { name, layout }: Platform,
  read: (address: bigint, length: number) => Buffer,
): Buffer[] {
  const { size, addr, next } = addrinfoLayout(name, layout.pointerSize);
  const sockaddrs: Buffer[] = [];
  for (let at = first; at !== 0n; ) {
    const entry = read(at, size);
    const length = layout.littleEndian ? entry.readUInt32LE(ADDRLEN_AT) : entry.readUInt32BE(ADDRLEN_AT);
    const address = readPointer(entry, addr, layout);
    if (address !== 0n && length > 0) sockaddrs.push(Buffer.from(read(address, length))); // a copy: the list is freed
    at = readPointer(entry, next, layout);
  }
  return sockaddrs;
}

/** A pointer in memory. */
export function readPointer(
  bytes: Buffer,
  at: number,
  { pointerSize, littleEndian }: { readonly pointerSize: 4 | 8; readonly littleEndian: boolean },
): bigint {
  if (pointerSize === 8) return littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  return BigInt(littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
}

/*
 * What getaddrinfo(3) answers when it fails, by platform: Linux counts down from 0, the BSDs up. These are functions, since only a
 * failure needs them.
 */
const linuxErrors = (): Readonly<Record<number, string>> => ({
  [-1]: 'EAI_BADFLAGS',
  [-2]: 'EAI_NONAME',
  [-3]: 'EAI_AGAIN',
  [-4]: 'EAI_FAIL',
  [-5]: 'EAI_NODATA',
  [-6]: 'EAI_FAMILY',
  [-7]: 'EAI_SOCKTYPE',
  [-8]: 'EAI_SERVICE',
  [-9]: 'EAI_ADDRFAMILY',
  [-10]: 'EAI_MEMORY',
  [-11]: 'EAI_SYSTEM',
  [-12]: 'EAI_OVERFLOW',
});
const bsdErrors = (): Readonly<Record<number, string>> => ({
  1: 'EAI_ADDRFAMILY',
  2: 'EAI_AGAIN',
  3: 'EAI_BADFLAGS',
  4: 'EAI_FAIL',
  5: 'EAI_FAMILY',
  6: 'EAI_MEMORY',
  7: 'EAI_NODATA',
  8: 'EAI_NONAME',
  9: 'EAI_SERVICE',
  10: 'EAI_SOCKTYPE',
  11: 'EAI_SYSTEM',
  14: 'EAI_OVERFLOW',
});

/** The name of an error of getaddrinfo(3), e.g. `EAI_NONAME`. */
export function addrinfoError(code: number, platform: PlatformName): string {
  const names = platform.startsWith('linux') ? linuxErrors() : bsdErrors();
  return names[code] ?? `EAI_${code}`;
}
