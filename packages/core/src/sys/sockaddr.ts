import { scopeId } from '../connection/socket-options.js';
import { FdpassError } from '../ground/errors.js';
import { ipv4Bytes, ipv6Bytes } from '../ground/ip-bytes.js';
import type { Platform } from './platform.js';

const AF_INET = 2;
const SOCKADDR_IN_LENGTH = 16;
const SOCKADDR_IN6_LENGTH = 28;

/** A `sockaddr_in` or `sockaddr_in6` (ip(7), ipv6(7)). @throws FdpassError `config` for a zone that is no interface. */
export function encodeSockaddr(
  address: { readonly family: 4 | 6; readonly host: string; readonly port: number },
  { constants, layout }: Platform,
): Buffer {
  const isV6 = address.family === 6;
  const bytes = Buffer.alloc(isV6 ? SOCKADDR_IN6_LENGTH : SOCKADDR_IN_LENGTH);
  const family = isV6 ? constants.AF_INET6 : AF_INET;
  if (constants.sockaddrHasLength) bytes.set([bytes.length, family]);
  else if (layout.littleEndian) bytes.writeUInt16LE(family, 0);
  else bytes.writeUInt16BE(family, 0);
  bytes.writeUInt16BE(address.port, 2);
  if (!isV6) {
    bytes.set(ipv4Bytes(address.host), 4);
    return bytes;
  }
  const [, zone] = address.host.split('%');
  bytes.set(ipv6Bytes(address.host), 8);
  const scope = zone === undefined ? 0 : scopeId(zone);
  if (scope === undefined) throw new FdpassError('config', `there is no interface ${JSON.stringify(zone)}`);
  if (layout.littleEndian) bytes.writeUInt32LE(scope, 24);
  else bytes.writeUInt32BE(scope, 24);
  return bytes;
}
