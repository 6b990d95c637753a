import { createHash, randomBytes } from 'node:crypto';
import { type Credentials, FdpassError } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import { digestAlgorithm } from './digest-algorithm.js';

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

/** The Proxy-Authorization value that answers a Digest challenge (RFC 7616 §3.4). @throws FdpassError `protocol` */
export function answerDigest(challenge: Challenge, input: DigestInput): string {
  const { params } = challenge;
  const algorithm = digestAlgorithm(challenge);
  const nonce = params.get('nonce');
  if (algorithm === undefined || nonce === undefined)
    throw new FdpassError('protocol', "the proxy's Digest challenge has no nonce or an unknown algorithm");
  const qop = chooseQop(params.get('qop'));
  const realm = params.get('realm') ?? '';
  const { credentials, method, uri } = input;
  const cnonce = input.cnonce ?? randomBytes(16).toString('hex');
  const nc = input.count.toString(16).padStart(8, '0');
  const hash = (text: string): string => createHash(algorithm.hash).update(text).digest('hex');

  const secret = hash(`${credentials.username}:${realm}:${credentials.password}`);
  const a1 = algorithm.isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(`${method}:${uri}`);
  const response = hash(qop === undefined ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);

  const hashesUser = params.get('userhash')?.toLowerCase() === 'true'; // RFC 7616 §3.4.4
  const fields = [
    `username=${quote(hashesUser ? hash(`${credentials.username}:${realm}`) : credentials.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response=${quote(response)}`,
    ...(params.has('algorithm') ? [`algorithm=${algorithm.name}`] : []),
    ...(params.has('opaque') ? [`opaque=${quote(params.get('opaque') ?? '')}`] : []),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${nc}`, `cnonce=${quote(cnonce)}`]),
    ...(qop === undefined && algorithm.isSession ? [`cnonce=${quote(cnonce)}`] : []),
    ...(hashesUser ? ['userhash=true'] : []),
  ];
  return Buffer.from(`Digest ${fields.join(', ')}`).toString('latin1'); // sent as latin1: the bytes are those of UTF-8
}

/** `auth`, or undefined for a challenge of RFC 2069 that offers none. `auth-int` covers a body, and CONNECT has none. */
function chooseQop(offered: string | undefined): 'auth' | undefined {
  if (offered === undefined) return undefined;
  if (offered.split(',').some((word) => word.trim().toLowerCase() === 'auth')) return 'auth';
  throw new FdpassError('protocol', `the proxy's Digest challenge offers only qop ${JSON.stringify(offered)}`);
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
