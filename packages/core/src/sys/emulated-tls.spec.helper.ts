import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import { systemError } from './fake-sys.spec.helper.js';
import { loadSys } from './koffi.js';
import type { Sys } from './sys.js';

/*
 * TLS on sockets as the kernel does it, by a program: for tests on machines whose kernel has none. It reads the structures of
 * <linux/tls.h> by their offsets, and protects records as RFC 8446 and RFC 5246 say.
 */

const SOL_TCP = 6;
const TCP_ULP = 31;
const SOL_TLS = 282;
const RECORD_TYPE_MESSAGE = 2;
const HEADER = 5;
const TAG = 16;
const MAX_RECORD = 1 << 15;
const MSG_PEEK = 2;
const DATA = 23;
/** Content in a record of ours. */
const MAX_CONTENT = 1 << 14;

interface Direction {
  readonly is13: boolean;
  readonly cipher: string;
  readonly key: Buffer;
  readonly salt: Buffer;
  readonly iv: Buffer;
  sequence: bigint;
}

interface Attached {
  send?: Direction;
  receive?: Direction;
  /** How much of the record at the beginning has been read. */
  taken: number;
}

/** System calls of a kernel that has TLS. */
export function emulatedTls(): Sys {
  const sys = loadSys();
  const attached = new Map<number, Attached>();
  return {
    ...sys,
    setsockopt(fd, level, name, value) {
      if (level === SOL_TCP && name === TCP_ULP) attached.set(fd, { taken: 0 });
      else if (level === SOL_TLS)
        Object.assign(attached.get(fd) ?? {}, { [name === 1 ? 'send' : 'receive']: decodeInfo(value as Buffer) });
      else sys.setsockopt(fd, level, name, value);
    },
    close(fd) {
      attached.delete(fd);
      sys.close(fd);
    },
    send(fd, data, flags) {
      const keys = attached.get(fd)?.send;
      if (keys === undefined) return sys.send(fd, data, flags);
      const part = data.subarray(0, MAX_CONTENT);
      sendAll(fd, protect(keys, DATA, part), sys);
      return part.length;
    },
    sendmsg(fd, data, control, flags) {
      const keys = attached.get(fd)?.send;
      if (keys === undefined) return sys.sendmsg(fd, data, control, flags);
      sendAll(fd, protect(keys, control[sys.platform.layout.cmsghdr.data] ?? DATA, data), sys);
      return data.length;
    },
    recvmsg(fd, data, controlLength, flags) {
      const state = attached.get(fd);
      if (state?.receive === undefined) return sys.recvmsg(fd, data, controlLength, flags);
      const whole = Buffer.alloc(MAX_RECORD);
      const raw = whole.subarray(0, sys.recv(fd, whole, MSG_PEEK | sys.platform.constants.MSG_DONTWAIT));
      if (raw.length === 0) return { bytes: 0, flags: 0, fds: [], controls: [] };
      const length = raw.length < HEADER ? MAX_RECORD : HEADER + raw.readUInt16BE(3);
      if (raw.length < length) throw systemError('EAGAIN');
      const { type, content } = unprotect(state.receive, raw.subarray(0, length));
      const rest = content.subarray(state.taken);
      const bytes = rest.copy(data);
      if ((flags & MSG_PEEK) === 0) state.taken += bytes;
      if ((flags & MSG_PEEK) === 0 && state.taken === content.length) {
        sys.recv(fd, Buffer.alloc(length), 0);
        state.taken = 0;
        state.receive.sequence += 1n;
      }
      const controls = [{ level: SOL_TLS, type: RECORD_TYPE_MESSAGE, data: Buffer.of(type) }];
      return { bytes, flags: 0, fds: [], controls };
    },
  };
}

function sendAll(fd: number, record: Buffer, sys: Sys): void {
  const { MSG_NOSIGNAL = 0 } = sys.platform.constants;
  if (sys.send(fd, record, MSG_NOSIGNAL) !== record.length) throw new Error('no room in the socket of the test');
}

/** By cipher_type: the cipher's name and the lengths of iv, key and salt. */
const CIPHERS: Readonly<Record<number, readonly [name: string, iv: number, key: number, salt: number]>> = {
  51: ['aes-128-gcm', 8, 16, 4],
  52: ['aes-256-gcm', 8, 32, 4],
  54: ['chacha20-poly1305', 12, 32, 0],
};

function decodeInfo(info: Buffer): Direction {
  const [cipher, ivLength, keyLength, saltLength] = CIPHERS[info.readUInt16LE(2)] ?? ['', 0, 0, 0];
  const ends = [4, ivLength, keyLength, saltLength, 8].map((_, index, all) =>
    all.slice(0, index + 1).reduce((sum, length) => sum + length, 0),
  );
  const part = (index: number): Buffer => info.subarray(ends[index - 1], ends[index]);
  if (info.length !== ends[4]) throw systemError('EINVAL');
  const is13 = info.readUInt16LE(0) === 0x0304;
  return { is13, cipher, iv: part(1), key: part(2), salt: part(3), sequence: part(4).readBigUInt64BE() };
}

/** RFC 8446, section 5.3; ChaCha20 has the same in TLS 1.2 (RFC 7905). */
function mixedNonce({ salt, iv, sequence }: Direction): Buffer {
  const nonce = Buffer.concat([salt, iv]);
  nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ sequence, 4);
  return nonce;
}

function sendsNonce({ is13, cipher }: Direction): boolean {
  return !is13 && cipher !== 'chacha20-poly1305';
}

/** The additional data of a record with `length` bytes of content. */
function additionalData({ is13, sequence }: Direction, header: Buffer, length: number): Buffer {
  if (is13) return header;
  const data = Buffer.concat([Buffer.alloc(8), header]);
  data.writeBigUInt64BE(sequence);
  data.writeUInt16BE(length, 11);
  return data;
}

function headerOf(type: number, length: number): Buffer {
  return Buffer.of(type, 3, 3, length >> 8, length & 0xff);
}

function protect(keys: Direction, type: number, content: Uint8Array): Buffer {
  const inner = keys.is13 ? Buffer.concat([content, Buffer.of(type)]) : Buffer.from(content);
  const sent = sendsNonce(keys) ? Buffer.from(keys.iv) : Buffer.alloc(0);
  const nonce = sendsNonce(keys) ? Buffer.concat([keys.salt, sent]) : mixedNonce(keys);
  const header = headerOf(keys.is13 ? DATA : type, sent.length + inner.length + TAG);
  const cipher = createCipheriv(keys.cipher as CipherGCMTypes, keys.key, nonce, { authTagLength: TAG });
  cipher.setAAD(additionalData(keys, header, inner.length));
  const body = Buffer.concat([cipher.update(inner), cipher.final()]);
  keys.sequence += 1n;
  if (sendsNonce(keys)) keys.iv.writeBigUInt64BE(keys.iv.readBigUInt64BE() + 1n);
  return Buffer.concat([header, sent, body, cipher.getAuthTag()]);
}

function unprotect(keys: Direction, record: Buffer): { readonly type: number; readonly content: Buffer } {
  const header = record.subarray(0, HEADER);
  const sentLength = sendsNonce(keys) ? 8 : 0;
  const sent = record.subarray(HEADER, HEADER + sentLength);
  const body = record.subarray(HEADER + sentLength, -TAG);
  const nonce = sendsNonce(keys) ? Buffer.concat([keys.salt, sent]) : mixedNonce(keys);
  const cipher = createDecipheriv(keys.cipher as CipherGCMTypes, keys.key, nonce, { authTagLength: TAG });
  cipher.setAAD(additionalData(keys, header, body.length)).setAuthTag(record.subarray(-TAG));
  const inner = decrypted(() => Buffer.concat([cipher.update(body), cipher.final()]));
  if (!keys.is13) return { type: header[0] ?? 0, content: inner };
  const end = inner.findLastIndex((byte) => byte !== 0);
  return { type: inner[end] ?? 0, content: inner.subarray(0, end) };
}

function decrypted<T>(call: () => T): T {
  try {
    return call();
  } catch {
    throw systemError('EBADMSG');
  }
}
