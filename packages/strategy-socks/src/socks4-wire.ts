import { FdpassError, ipFamily, ipv4Bytes, octetsOf } from '@fdpass/core';
import { COMMAND_CONNECT, REPLY4_GRANTED, SOCKS_VERSION_4 } from './constants.js';
import { portBytes } from './port-bytes.js';

/** The address that tells a SOCKS 4a proxy to look for a name after the user id: 0.0.0.x with x not zero. */
const NAME_FOLLOWS = Buffer.from([0, 0, 0, 1]);
const NUL = Buffer.from([0]);

/** SOCKS 4 and 4a: VN CD DSTPORT DSTIP USERID NUL [NAME NUL]. @throws FdpassError `config` for a user id with a NUL in it. */
export function encodeRequest4(host: string, port: number, userId: string): Buffer {
  if (userId.includes('\0'))
    throw new FdpassError('config', 'the user name has a NUL byte, which SOCKS 4 cannot carry');
  const head = [Buffer.from([SOCKS_VERSION_4, COMMAND_CONNECT]), portBytes(port)];
  const user = [octetsOf(userId), NUL];
  if (ipFamily(host) === 4) return Buffer.concat([...head, ipv4Bytes(host), ...user]);
  return Buffer.concat([...head, NAME_FOLLOWS, ...user, Buffer.from(host), NUL]);
}

/** VN CD DSTPORT DSTIP: always eight bytes. */
export const REPLY4_LENGTH = 8;

/** How many more bytes of a reply can be read. A refusal is complete as soon as its code is there: some proxies close early. */
export function missingReply4Bytes(soFar: Buffer): number {
  if (soFar.length < 2) return 2 - soFar.length;
  return soFar[1] === REPLY4_GRANTED ? REPLY4_LENGTH - soFar.length : 0;
}
