import { formatHostPort } from '../ground/target.js';
import type { Platform } from './platform.js';
import type { Sys } from './sys.js';

/** One end of a socket. */
export type FdAddress =
  | { readonly address: string; readonly port: number; readonly scope?: number }
  | { readonly path: string }
  | { readonly cid: number; readonly port: number };

/** What a descriptor is. */
export interface FdDescription {
  /** The address family: `inet` is AF_INET and so on. */
  readonly family: 'inet' | 'inet6' | 'unix' | 'vsock' | 'other';
  /** The socket's type. */
  readonly type: 'stream' | 'dgram' | 'seqpacket' | 'other';
  /** Its own address (getsockname(2)). */
  readonly local?: FdAddress;
  /** Missing if the socket is not connected. */
  readonly peer?: FdAddress;
}

const AF_UNIX = 1;
const AF_INET = 2;
const TYPES: Readonly<Record<number, FdDescription['type']>> = { 1: 'stream', 2: 'dgram', 5: 'seqpacket' };

/** What `fd` is: family, type, both addresses. @throws a system error, ENOTSOCK for what is no socket. */
export function describeFd(fd: number, sys: Sys): FdDescription {
  const { SOL_SOCKET, SO_TYPE } = sys.platform.constants;
  const type = TYPES[sys.getsockoptInt(fd, SOL_SOCKET, SO_TYPE)] ?? 'other';
  const localBytes = sys.getsockname(fd);
  const local = decodeAddress(localBytes, sys.platform);
  const peer = peerOf(fd, sys);
  return {
    family: familyName(familyOf(localBytes, sys.platform), sys.platform),
    type,
    ...(local && { local }),
    ...(peer && { peer }),
  };
}

/** Whether `fd` is a unix-domain socket: one that descriptors can be passed over. */
export function isUnixSocket(fd: number, sys: Sys): boolean {
  try {
    return familyOf(sys.getsockname(fd), sys.platform) === AF_UNIX;
  } catch {
    return false;
  }
}

function peerOf(fd: number, sys: Sys): FdAddress | undefined {
  try {
    return decodeAddress(sys.getpeername(fd), sys.platform);
  } catch {
    return undefined; // not connected, or no longer
  }
}

function familyOf(address: Buffer, platform: Platform): number {
  if (address.length < 2) return AF_UNIX; // FreeBSD gives nothing for an unnamed unix socket
  if (platform.constants.sockaddrHasLength) return address.readUInt8(1);
  return platform.layout.littleEndian ? address.readUInt16LE(0) : address.readUInt16BE(0);
}

function familyName(family: number, platform: Platform): FdDescription['family'] {
  if (family === AF_UNIX) return 'unix';
  if (family === AF_INET) return 'inet';
  if (family === platform.constants.AF_INET6) return 'inet6';
  return family === platform.constants.AF_VSOCK ? 'vsock' : 'other';
}

/** The address in a raw `sockaddr`; undefined for an unnamed socket and for families we do not know. */
export function decodeAddress(bytes: Buffer, platform: Platform): FdAddress | undefined {
  const word = (at: number): number => (platform.layout.littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  switch (familyName(familyOf(bytes, platform), platform)) {
    case 'inet':
      return { address: [...bytes.subarray(4, 8)].join('.'), port: bytes.readUInt16BE(2) };
    case 'inet6': {
      const scope = word(24);
      return { address: formatIpv6(bytes.subarray(8, 24)), port: bytes.readUInt16BE(2), ...(scope !== 0 && { scope }) };
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

/** RFC 5952, by way of the URL parser, which writes IPv6 addresses so. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

/** An address as `fdrecv` prints it. */
export function formatFdAddress(address: FdAddress): string {
  if ('path' in address) return address.path;
  if ('cid' in address) return `vsock:${address.cid}:${address.port}`;
  const host = address.scope === undefined ? address.address : `${address.address}%${address.scope}`;
  return formatHostPort(host, address.port);
}
