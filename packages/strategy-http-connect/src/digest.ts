import { createHash, randomBytes } from 'node:crypto';
import { type Credentials, FdpassError, octetsOf } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import { digestAlgorithm, digestQop } from './digest-challenge.js';

export interface DigestInput {
  readonly credentials: Credentials;
  readonly method: string;
  /** The request target: for CONNECT the authority. */
  readonly uri: string;
  /** How often this nonce was used, from 1. */
  readonly count: number;
  /** Default: 16 random bytes in hexadecimal. */
  readonly cnonce?: string;
}

/**
 * The Proxy-Authorization value that answers a Digest challenge (RFC 7616 §3.4), one octet a character: what came from the
 * proxy goes back as it came, regardless of its encoding, and what is ours is UTF-8.
 *
 * @throws FdpassError `protocol`
 */
export function answerDigest(challenge: Challenge, input: DigestInput): string {
  const { params } = challenge;
  const algorithm = digestAlgorithm(challenge);
  const nonce = params.get('nonce');
  const qop = digestQop(challenge);
  if (algorithm === undefined || nonce === undefined || qop === undefined)
    throw new FdpassError(
      'protocol',
      "the proxy's Digest challenge has no nonce, or an algorithm or qop that fdpass does not support",
    );
  const realm = params.get('realm') ?? '';
  const { method, uri } = input;
  const username = octets(input.credentials.username);
  const cnonce = input.cnonce ?? randomBytes(16).toString('hex');
  const nc = input.count.toString(16).padStart(8, '0');
  const hash = (text: string): string => createHash(algorithm.hash).update(text, 'latin1').digest('hex');

  const secret = hash(`${username}:${realm}:${octets(input.credentials.password)}`);
  const a1 = algorithm.isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(`${method}:${uri}`);
  const response = hash(qop === 'none' ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);

  const hashesUser = params.get('userhash')?.toLowerCase() === 'true'; // RFC 7616 §3.4.4
  const fields = [
    `username=${quote(hashesUser ? hash(`${username}:${realm}`) : username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response=${quote(response)}`,
    ...(params.get('algorithm') ? [`algorithm=${algorithm.name}`] : []),
    ...(params.has('opaque') ? [`opaque=${quote(params.get('opaque') ?? '')}`] : []),
    ...(qop === 'none' ? [] : [`qop=${qop}`, `nc=${nc}`, `cnonce=${quote(cnonce)}`]),
    ...(qop === 'none' && algorithm.isSession ? [`cnonce=${quote(cnonce)}`] : []),
    ...(hashesUser ? ['userhash=true'] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

function octets(text: string): string {
  return octetsOf(text).toString('latin1');
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
