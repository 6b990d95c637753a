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
  return Buffer.from([AUTH_VERSION, ...field(username, 'user name'), ...field(password, 'password')]);
}

/** RFC 1928 §4: VER CMD RSV ATYP DST.ADDR DST.PORT. A name travels as a name; resolve it before if it must not. */
export function encodeRequest(host: string, port: number): Buffer {
  return Buffer.from([SOCKS_VERSION_5, COMMAND_CONNECT, 0, ...encodeAddress(host), ...portBytes(port)]);
}

function encodeAddress(host: string): number[] {
  const family = ipFamily(host);
  if (family === 4) return [ATYP_IPV4, ...ipv4Bytes(host)];
  if (family === 6) return [ATYP_IPV6, ...ipv6Bytes(host)];
  return [ATYP_DOMAINNAME, ...field(host, 'host name')];
}

/** The reply that has the longest domain name in it. */
export const MAX_REPLY_LENGTH: number = 4 + 1 + MAX_FIELD_LENGTH + 2;

/**
 * How many more bytes of a reply can be read; 0 when it is complete. RFC 1928 §6: VER REP RSV ATYP BND.ADDR BND.PORT. A
 * refusal is complete as soon as its code is there, as is an answer of another protocol: some proxies close early.
 */
export function missingReplyBytes(soFar: Buffer): number {
  const { length } = soFar;
  if (length < 2) return 2 - length;
  if (soFar[0] !== SOCKS_VERSION_5 || soFar[1] !== REPLY_SUCCEEDED) return 0;
  if (length < 4) return 4 - length;
  const { 3: atyp = 0, 4: domainLength } = soFar;
  if (atyp !== ATYP_DOMAINNAME) return 4 + boundAddressLength(atyp) - length;
  return domainLength === undefined ? 1 : 5 + boundAddressLength(atyp, domainLength) - length;
}

/** How many bytes of a reply follow its ATYP byte and, for a domain name, its length byte: BND.ADDR BND.PORT (RFC 1928 §6). */
export function boundAddressLength(atyp: number, domainLength = 0): number {
  if (atyp === ATYP_IPV4) return 4 + 2;
  if (atyp === ATYP_IPV6) return 16 + 2;
  if (atyp === ATYP_DOMAINNAME) return domainLength + 2;
  throw new FdpassError('protocol', `the proxy's reply has an unknown address type 0x${atyp.toString(16)}`);
}

/** A length and the bytes of a text. */
function field(text: string, what: string): number[] {
  const bytes = octetsOf(text);
  if (bytes.length <= MAX_FIELD_LENGTH) return [bytes.length, ...bytes];
  throw new FdpassError('config', `the ${what} is longer than ${MAX_FIELD_LENGTH} bytes, which SOCKS5 cannot carry`);
}
