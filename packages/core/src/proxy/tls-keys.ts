import { createHmac } from 'node:crypto';
import type { KernelCipher, KernelKeys } from '../sys/kernel-tls.js';

/*
 * The keys of a TLS connection, from the secrets that a TLS library logs (the format of NSS's SSLKEYLOGFILE). Pure functions, by
 * the RFCs' names.
 */

/** The hash of a cipher suite. */
export type SuiteHash = 'sha256' | 'sha384';

/** Keys of both directions. */
export interface ConnectionKeys {
  readonly send: KernelKeys;
  readonly receive: KernelKeys;
}

const KEY_LENGTH: Readonly<Record<KernelCipher, number>> = {
  AES_128_GCM: 16,
  AES_256_GCM: 32,
  CHACHA20_POLY1305: 32,
};
const NONCE_LENGTH = 12;

/** TLS 1.3: the key and the nonce of one direction from its traffic secret (RFC 8446, section 7.3). */
export function trafficKeys(secret: Buffer, cipher: KernelCipher, hash: SuiteHash): Omit<KernelKeys, 'sequence'> {
  return {
    key: expandLabel(secret, 'key', KEY_LENGTH[cipher], hash),
    iv: expandLabel(secret, 'iv', NONCE_LENGTH, hash),
  };
}

/** HKDF-Expand-Label without a context (RFC 8446, section 7.1). All that is expanded here fits into one block of the hash. */
function expandLabel(secret: Buffer, label: string, length: number, hash: SuiteHash): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(length >> 8, length & 0xff, name.length), name, Buffer.of(0)]);
  return hmac(hash, secret, info, Buffer.of(1)).subarray(0, length); // HKDF-Expand, RFC 5869, section 2.3
}

/** What TLS 1.2 derives its keys from. */
export interface Secrets12 {
  readonly masterSecret: Buffer;
  readonly clientRandom: Buffer;
  readonly serverRandom: Buffer;
}

/** TLS 1.2: the keys of both directions, the client's first (RFC 5246, section 6.3; AEAD ciphers have no MAC keys). */
export function keyBlock(
  { masterSecret, clientRandom, serverRandom }: Secrets12,
  cipher: KernelCipher,
  hash: SuiteHash,
): readonly [client: Omit<KernelKeys, 'sequence'>, server: Omit<KernelKeys, 'sequence'>] {
  const keyLength = KEY_LENGTH[cipher];
  const ivLength = cipher === 'CHACHA20_POLY1305' ? NONCE_LENGTH : 4; // RFC 7905, section 2; RFC 5288, section 3
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom]);
  const block = expandPrf(masterSecret, seed, 2 * (keyLength + ivLength), hash);
  const keys = (index: number): Omit<KernelKeys, 'sequence'> => {
    const ivAt = 2 * keyLength + index * ivLength;
    return {
      key: block.subarray(index * keyLength, (index + 1) * keyLength),
      iv: block.subarray(ivAt, ivAt + ivLength),
    };
  };
  return [keys(0), keys(1)];
}

/** P_hash (RFC 5246, section 5). @param seed The label and what follows it. */
export function expandPrf(secret: Buffer, seed: Buffer, length: number, hash: SuiteHash): Buffer {
  const blocks: Buffer[] = [];
  let made = 0;
  for (let a = hmac(hash, secret, seed); made < length; a = hmac(hash, secret, a)) {
    const block = hmac(hash, secret, a, seed);
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function hmac(hash: SuiteHash, key: Buffer, ...data: readonly Buffer[]): Buffer {
  const hmac = createHmac(hash, key);
  for (const part of data) hmac.update(part);
  return hmac.digest();
}
