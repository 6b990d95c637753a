import { FdpassError, ipFamily, ipv4Bytes, ipv6Bytes, octetsOf } from '@fdpass/core';
import {
  ATYP_DOMAINNAME,
  ATYP_IPV4,
  ATYP_IPV6,
  AUTH_VERSION,
  COMMAND_CONNECT,
  MAX_FIELD_LENGTH,
  REPLY_SUCCEEDED,
  SOCKS_VERSION_5,
} from './constants.js';
import { portBytes } from './port-bytes.js';

/** User name and password of RFC 1929, each at most 255 bytes. The RFC asks for one at least; proxies take none, and curl sends it. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** RFC 1928 §3: VER NMETHODS METHODS. */
export function encodeGreeting(methods: readonly number[]): Buffer {
  return Buffer.from([SOCKS_VERSION_5, methods.length, ...methods]);
}

/** RFC 1929 §2: VER ULEN UNAME PLEN PASSWD. @throws FdpassError `config` if a field is too long. */
export function encodeAuthentication({ username, password }: Credentials): Buffer {
  return Buffer.concat([Buffer.of(AUTH_VERSION), field(username, 'user name'), field(password, 'password')]);
}

/** RFC 1928 §4: VER CMD RSV ATYP DST.ADDR DST.PORT. A name travels as a name; resolve it before if it must not. */
export function encodeRequest(host: string, port: number): Buffer {
  const family = ipFamily(host);
  if (family === 0) return Buffer.concat([NAME_REQUEST, field(host, 'host name'), portBytes(port)]);
  const address = family === 4 ? [ATYP_IPV4, ...ipv4Bytes(host)] : [ATYP_IPV6, ...ipv6Bytes(host)];
  return Buffer.from([SOCKS_VERSION_5, COMMAND_CONNECT, 0, ...address, ...portBytes(port)]);
}

/** The beginning of a request for a name. */
const NAME_REQUEST: Buffer = Buffer.of(SOCKS_VERSION_5, COMMAND_CONNECT, 0, ATYP_DOMAINNAME);

/** The reply that has the longest domain name in it. */
export const MAX_REPLY_LENGTH: number = 4 + 1 + MAX_FIELD_LENGTH + 2;

/**
 * How many more bytes of a reply can be read; 0 when it is complete. RFC 1928 §6: VER REP RSV ATYP BND.ADDR BND.PORT. A
 * refusal is complete as soon as its code is there, as is an answer of another protocol: some proxies close early.
 *
 * @param seen What has arrived, from the first byte on.
 */
export function missingReplyBytes(soFar: Buffer, seen: Buffer = soFar): number {
  return Math.max(0, replyLength(seen) - soFar.length);
}

/** Up to where a reply can be read, as far as its first bytes tell. */
function replyLength(bytes: Buffer): number {
  const { 0: version, 1: reply, 3: atyp, 4: domainLength } = bytes;
  if (reply === undefined || version !== SOCKS_VERSION_5 || reply !== REPLY_SUCCEEDED) return 2;
  if (atyp === undefined) return 4;
  if (atyp !== ATYP_DOMAINNAME) return 4 + boundAddressLength(atyp);
  return domainLength === undefined ? 5 : 5 + boundAddressLength(atyp, domainLength);
}

/** How many bytes of a reply follow its ATYP byte and, for a domain name, its length byte: BND.ADDR BND.PORT (RFC 1928 §6). */
export function boundAddressLength(atyp: number, domainLength = 0): number {
  if (atyp === ATYP_IPV4) return 4 + 2;
  if (atyp === ATYP_IPV6) return 16 + 2;
  if (atyp === ATYP_DOMAINNAME) return domainLength + 2;
  throw new FdpassError('protocol', `the proxy's reply has an unknown address type 0x${atyp.toString(16)}`);
}

/** A length and the bytes of a text. */
function field(text: string, what: string): Buffer {
  const bytes = octetsOf(text);
  if (bytes.length <= MAX_FIELD_LENGTH) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  throw new FdpassError('config', `the ${what} is longer than ${MAX_FIELD_LENGTH} bytes, which SOCKS5 cannot carry`);
}
