import { type Credentials, FdpassError, octetsOf } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import { digestAlgorithm, isAnswerable } from './digest-challenge.js';

/** What a scheme is given to answer a challenge with. */
export interface ChallengeContext {
  /** What the proxy asks. */
  readonly challenge: Challenge;
  /** What we have to answer with; undefined if the hop names none. */
  readonly credentials: Credentials | undefined;
  /** The request target of the CONNECT. */
  readonly authority: string;
  /** How many challenges were answered before, on this connection or others. */
  readonly round: number;
  /** Of the dial; its reason is to be rethrown unchanged. */
  readonly signal: AbortSignal;
}

/**
 * An authentication scheme (RFC 9110 §11). Plugins add their own (Negotiate, NTLM) by making the strategy with
 * `createHttpConnect({ schemes })`; the rounds stay on one connection as long as the proxy keeps it open.
 */
export interface AuthenticationScheme {
  /** Lower case, as in the challenge. */
  readonly name: string;
  /**
   * Whether it could answer this challenge, given a user name and a password. Where no scheme can, the user is told so, and
   * is not asked for a password. Default: always.
   */
  canAnswer?(challenge: Challenge): boolean;
  /** The value for Proxy-Authorization, or undefined if this challenge cannot be answered. Never logged. */
  answer(context: ChallengeContext): string | undefined | Promise<string | undefined>;
}

/** Basic (RFC 7617): the password in clear; UTF-8, unless a URL has other octets. */
export const basic: AuthenticationScheme = {
  name: 'basic',
  answer: ({ credentials, round, challenge }) => {
    if (credentials === undefined || (round > 0 && challenge.scheme === 'basic')) return undefined;
    return encodeBasic(credentials);
  },
};

/** @throws FdpassError `config` for a user name with a colon (RFC 7617 §2). */
export function encodeBasic({ username, password }: Credentials): string {
  if (username.includes(':'))
    throw new FdpassError('config', 'a user name with a colon cannot be sent with Basic authentication');
  return `Basic ${octetsOf(`${username}:${password}`).toString('base64')}`;
}

/** Digest (RFC 7616): MD5, SHA-256, SHA-512-256, each with -sess. A second challenge counts as a refusal unless it says `stale`. */
export const digest: AuthenticationScheme = {
  name: 'digest',
  canAnswer: isAnswerable,
  async answer({ challenge, credentials, authority, round }) {
    if (credentials === undefined) return undefined;
    if (round > 0 && challenge.params.get('stale')?.toLowerCase() !== 'true') return undefined;
    const { answerDigest } = await import('./digest.js'); // loads node:crypto, which costs milliseconds
    return answerDigest(challenge, { credentials, method: 'CONNECT', uri: authority, count: 1 });
  },
};

/** How good a Digest algorithm is; RFC 7616 §3.7 leaves the choice to the client, and the strongest is it. */
const STRENGTH: Readonly<Record<string, number>> = { md5: 0, sha256: 1, 'sha512-256': 2 };

/** A challenge, and a scheme that can answer it. */
interface Answerable {
  readonly challenge: Challenge;
  readonly scheme: AuthenticationScheme;
}

/** The challenges that can be answered, the best first: schemes in the order given, the strongest Digest first. */
export function answerable(
  challenges: readonly Challenge[],
  schemes: readonly AuthenticationScheme[],
): readonly Answerable[] {
  const strength = (challenge: Challenge): number => STRENGTH[digestAlgorithm(challenge)?.hash ?? ''] ?? -1;
  const sorted = [...challenges].sort((a, b) => strength(b) - strength(a));
  return schemes.flatMap((scheme) =>
    sorted
      .filter((challenge) => challenge.scheme === scheme.name && scheme.canAnswer?.(challenge) !== false)
      .map((challenge) => ({ challenge, scheme })),
  );
}

/** The answer to the first of these challenges that its scheme answers. */
export async function answerFirst(
  candidates: readonly Answerable[],
  context: Omit<ChallengeContext, 'challenge'>,
): Promise<string | undefined> {
  for (const { challenge, scheme } of candidates) {
    const answer = await scheme.answer({ ...context, challenge });
    if (answer !== undefined) return answer;
  }
  return undefined;
}
