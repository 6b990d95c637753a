import { controlSpace, encodeControl } from './message.js';
import type { Sys } from './sys.js';

/*
 * TLS done by the kernel on a TCP socket (Linux, Documentation/networking/tls.rst; the names are those of <linux/tls.h>): once
 * it has the keys, the socket gives and takes what is in the records.
 */

const SOL_TCP = 6;
const TCP_ULP = 31;
const SOL_TLS = 282;
const TLS_TX = 1;
const TLS_RX = 2;
const TLS_SET_RECORD_TYPE = 1;
const TLS_GET_RECORD_TYPE = 2;

/** Content types of records (RFC 8446, section 5.1). */
export const RECORD_TYPE = { alert: 21, handshake: 22, data: 23 } as const;

/** Ciphers that the kernel has and TLS still uses. */
export type KernelCipher = 'AES_128_GCM' | 'AES_256_GCM' | 'CHACHA20_POLY1305';

const CIPHER_TYPE: Readonly<Record<KernelCipher, number>> = { AES_128_GCM: 51, AES_256_GCM: 52, CHACHA20_POLY1305: 54 };
const VERSION = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const;

/** What both directions of a connection agree on. */
export interface KernelSuite {
  readonly version: keyof typeof VERSION;
  readonly cipher: KernelCipher;
}

/** What protects the records of one direction. */
export interface KernelKeys {
  readonly key: Buffer;
  /** The part of the nonce that is never sent: 12 bytes, or 4 for AES-GCM in TLS 1.2 (RFC 5288). */
  readonly iv: Buffer;
  /** For AES-GCM in TLS 1.2: the 8 bytes that the next record sends of its nonce. */
  readonly explicitNonce?: Buffer | undefined;
  /** The number of the next record. */
  readonly sequence: bigint;
}

/** Attaches TLS to a connected socket; until it has keys, bytes pass as they are. @throws a system error */
export function attachTls(fd: number, sys: Sys): void {
  sys.setsockopt(fd, SOL_TCP, TCP_ULP, Buffer.from('tls'));
}

/** Gives the kernel the keys of one direction. @throws a system error, ENOENT where it has no code for the cipher */
export function setTlsKeys(
  fd: number,
  direction: 'send' | 'receive',
  suite: KernelSuite,
  keys: KernelKeys,
  sys: Sys,
): void {
  sys.setsockopt(fd, SOL_TLS, direction === 'send' ? TLS_TX : TLS_RX, encodeCryptoInfo(suite, keys, sys));
}

/** `struct tls12_crypto_info_*`: version, cipher type, iv, key, salt, record sequence number. */
function encodeCryptoInfo({ version, cipher }: KernelSuite, keys: KernelKeys, { platform }: Sys): Buffer {
  const info = Buffer.alloc(4);
  const put = (value: number, at: number): unknown =>
    platform.layout.littleEndian ? info.writeUInt16LE(value, at) : info.writeUInt16BE(value, at);
  put(VERSION[version], 0);
  put(CIPHER_TYPE[cipher], 2);
  const sequence = Buffer.alloc(8);
  sequence.writeBigUInt64BE(keys.sequence);
  if (cipher === 'CHACHA20_POLY1305') return Buffer.concat([info, keys.iv, keys.key, sequence]);
  const salt = keys.iv.subarray(0, 4);
  const iv = version === 'TLSv1.3' ? keys.iv.subarray(4) : (keys.explicitNonce ?? Buffer.alloc(8));
  return Buffer.concat([info, iv, keys.key, salt, sequence]);
}

/** One record, or a part of it. */
export interface TlsRecord {
  readonly type: number;
  readonly bytes: number;
}

/** recvmsg(2) on a socket with TLS: bytes of one type of record; 0 bytes at the end of the stream. EAGAIN is thrown. */
export function receiveRecord(fd: number, data: Buffer, flags: number, sys: Sys): TlsRecord {
  const { bytes, controls } = sys.recvmsg(fd, data, controlSpace(sys.platform.layout, 1), flags);
  const control = controls.find(({ level, type }) => level === SOL_TLS && type === TLS_GET_RECORD_TYPE);
  return { type: control?.data[0] ?? RECORD_TYPE.data, bytes };
}

/** Sends one record of a type other than data. */
export function sendRecord(fd: number, type: number, data: Buffer, sys: Sys): void {
  const { layout, constants } = sys.platform;
  const control = encodeControl(layout, SOL_TLS, TLS_SET_RECORD_TYPE, Buffer.of(type));
  sys.sendmsg(fd, data, control, constants.MSG_DONTWAIT | (constants.MSG_NOSIGNAL ?? 0));
}
