import { FdpassError } from '../ground/errors.js';
import { formatIpv6, ipv4Bytes, ipv6Bytes } from '../ground/ip.js';
import { formatHostPort } from '../ground/target.js';
import { octetsOf } from '../ground/text.js';
import type { Platform } from './platform.js';

/*
 * `struct sockaddr_in`, `sockaddr_in6`, `sockaddr_un` and `sockaddr_vm` (ip(7), ipv6(7), unix(7), vsock(7)), encoded and
 * decoded by the platform's layout.
 */

/** Where a socket connects to. */
export type SocketAddress =
  | {
      readonly family: 4 | 6;
      /** A literal; an IPv6 one can have a zone (`fe80::1%eth0`). */
      readonly host: string;
      readonly port: number;
    }
  | {
      /** A unix socket; an abstract one (unix(7)) begins with `@`. */
      readonly path: string;
    }
  | {
      /** The context id of a virtual machine (vsock(7)). */
      readonly cid: number;
      readonly port: number;
    };

/** One end of a socket. */
export type FdAddress =
  | { readonly address: string; readonly port: number; readonly scope?: number }
  | { readonly path: string }
  | { readonly cid: number; readonly port: number };

/** The address families that fdpass knows. */
export type FamilyName = 'inet' | 'inet6' | 'unix' | 'vsock' | 'other';

export const AF_UNIX = 1;
export const AF_INET = 2;
const SOCKADDR_IN_LENGTH = 16;
const SOCKADDR_IN6_LENGTH = 28;
const SOCKADDR_VM_LENGTH = 16;
/** Where the path begins, and how long it can be with its NUL: 108 on Linux, 104 on the BSDs. */
const PATH_AT = 2;
const MAX_PATH = { linux: 108, bsd: 104 };

/** An address as it is shown, e.g. `[::1]:22`. */
export function formatAddress(address: SocketAddress): string {
  if ('path' in address) return address.path;
  if ('cid' in address) return `vsock:${address.cid}:${address.port}`;
  return formatHostPort(address.host, address.port);
}

/** The address family of a socket for `address`. @throws FdpassError `config` where the platform has no such family. */
export function familyNumber(address: SocketAddress, { constants }: Platform): number {
  if ('path' in address) return AF_UNIX;
  if (!('cid' in address)) return address.family === 6 ? constants.AF_INET6 : AF_INET;
  if (constants.AF_VSOCK !== undefined && process.platform === 'linux') return constants.AF_VSOCK;
  throw new FdpassError('config', `${process.platform} does not support vsock`);
}

/**
 * The raw `sockaddr` of an address.
 *
 * @param scopeId Finds the number of an interface for an IPv6 zone; undefined if there is no such interface.
 * @throws FdpassError `config` for a zone that is not an interface, or a path that is too long.
 */
export function encodeSockaddr(
  address: SocketAddress,
  platform: Platform,
  scopeId: (zone: string) => number | undefined = () => undefined,
): Buffer {
  if ('path' in address) return encodePath(address.path, platform);
  if ('cid' in address) return encodeVsock(address, platform);
  const isV6 = address.family === 6;
  const bytes = withFamily(address, isV6 ? SOCKADDR_IN6_LENGTH : SOCKADDR_IN_LENGTH, platform);
  bytes.writeUInt16BE(address.port, 2);
  if (!isV6) {
    bytes.set(ipv4Bytes(address.host), 4);
    return bytes;
  }
  const percent = address.host.indexOf('%');
  bytes.set(ipv6Bytes(address.host), 8);
  if (percent === -1) return bytes;
  const zone = address.host.slice(percent + 1);
  const scope = scopeId(zone);
  if (scope === undefined) throw new FdpassError('config', `there is no interface ${JSON.stringify(zone)}`);
  writeWord(bytes, scope, 24, platform);
  return bytes;
}

/** A path ends with a NUL; an abstract one begins with one, and all its bytes count. */
function encodePath(path: string, platform: Platform): Buffer {
  const isAbstract = path.startsWith('@');
  const name = octetsOf(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  const limit = platform.constants.sockaddrHasLength ? MAX_PATH.bsd : MAX_PATH.linux;
  if (name.length > limit) {
    throw new FdpassError('config', `the path of the socket is longer than ${limit - 1} bytes`);
  }
  const bytes = withFamily({ path }, PATH_AT + name.length, platform);
  bytes.set(name, PATH_AT);
  return bytes;
}

/** linux/vm_sockets.h: family, reserved, port, cid, flags. */
function encodeVsock(address: { readonly cid: number; readonly port: number }, platform: Platform): Buffer {
  const bytes = withFamily(address, SOCKADDR_VM_LENGTH, platform);
  writeWord(bytes, address.port, 4, platform);
  writeWord(bytes, address.cid, 8, platform);
  return bytes;
}

function withFamily(address: SocketAddress, length: number, platform: Platform): Buffer {
  const bytes = Buffer.alloc(length);
  const family = familyNumber(address, platform);
  if (platform.constants.sockaddrHasLength) bytes.set([length, family]);
  else if (platform.layout.littleEndian) bytes.writeUInt16LE(family, 0);
  else bytes.writeUInt16BE(family, 0);
  return bytes;
}

function writeWord(bytes: Buffer, value: number, at: number, { layout }: Platform): void {
  if (layout.littleEndian) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
}

/** The family number in a raw `sockaddr`. */
export function familyOf(address: Buffer, platform: Platform): number {
  if (address.length < 2) return AF_UNIX; // FreeBSD gives nothing for an unnamed unix socket
  if (platform.constants.sockaddrHasLength) return address.readUInt8(1);
  return platform.layout.littleEndian ? address.readUInt16LE(0) : address.readUInt16BE(0);
}

/** The name of a family number. */
export function familyName(family: number, platform: Platform): FamilyName {
  if (family === AF_UNIX) return 'unix';
  if (family === AF_INET) return 'inet';
  if (family === platform.constants.AF_INET6) return 'inet6';
  return family === platform.constants.AF_VSOCK ? 'vsock' : 'other';
}

/** The 4 or 16 bytes of the IP address in a raw `sockaddr`. */
export function ipBytes(bytes: Buffer, platform: Platform): Buffer {
  return familyOf(bytes, platform) === AF_INET ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
}

/** The address in a raw `sockaddr`; undefined for an unnamed socket and for families we do not know. */
export function decodeAddress(bytes: Buffer, platform: Platform): FdAddress | undefined {
  const word = (at: number): number => (platform.layout.littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  switch (familyName(familyOf(bytes, platform), platform)) {
    case 'inet':
      return { address: [...ipBytes(bytes, platform)].join('.'), port: bytes.readUInt16BE(2) };
    case 'inet6': {
      const scope = word(24);
      return {
        address: formatIpv6(ipBytes(bytes, platform)),
        port: bytes.readUInt16BE(2),
        ...(scope !== 0 && { scope }),
      };
    }
    case 'unix':
      return decodePath(bytes.subarray(2));
    case 'vsock':
      return { cid: word(8), port: word(4) };
    default:
      return undefined;
  }
}

/** A path ends at its NUL; an abstract one (unix(7)) begins with one and is shown with `@`; an unnamed socket has none. */
function decodePath(bytes: Buffer): FdAddress | undefined {
  if (bytes.length === 0 || bytes.every((byte) => byte === 0)) return undefined;
  if (bytes[0] === 0) return { path: `@${bytes.subarray(1).toString().replace(/\0+$/, '')}` };
  const end = bytes.indexOf(0);
  return { path: bytes.subarray(0, end === -1 ? undefined : end).toString() };
}

/** An address as `fdrecv` prints it. */
export function formatFdAddress(address: FdAddress): string {
  if ('path' in address) return address.path;
  if ('cid' in address) return `vsock:${address.cid}:${address.port}`;
  const host = address.scope === undefined ? address.address : `${address.address}%${address.scope}`;
  return formatHostPort(host, address.port);
}
