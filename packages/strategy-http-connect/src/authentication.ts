import { type Credentials, FdpassError } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import { digestAlgorithm } from './digest-algorithm.js';

/** What a scheme is given to answer a challenge with. */
export interface ChallengeContext {
  /** What the proxy asks. */
  readonly challenge: Challenge;
  /** What we have to answer with. */
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
  /** The value for Proxy-Authorization, or undefined if this challenge cannot be answered. Never logged. */
  answer(context: ChallengeContext): string | undefined | Promise<string | undefined>;
}

/** Basic (RFC 7617): the password in clear; UTF-8. */
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
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Digest (RFC 7616): MD5, SHA-256, SHA-512-256, each with -sess. A second challenge counts as a refusal unless it says `stale`. */
export const digest: AuthenticationScheme = {
  name: 'digest',
  async answer({ challenge, credentials, authority, round }) {
    if (credentials === undefined || !isAnswerable(challenge)) return undefined;
    if (round > 0 && challenge.params.get('stale')?.toLowerCase() !== 'true') return undefined;
    const { answerDigest } = await import('./digest.js'); // loads node:crypto, which costs milliseconds
    return answerDigest(challenge, { credentials, method: 'CONNECT', uri: authority, count: 1 });
  },
};

/** Whether it names a nonce, an algorithm we know and, if any, a qop for requests without a body. */
function isAnswerable(challenge: Challenge): boolean {
  const qop = challenge.params.get('qop');
  const hasQop = qop === undefined || /(?:^|,)\s*auth\s*(?:,|$)/i.test(qop);
  return hasQop && challenge.params.has('nonce') && digestAlgorithm(challenge) !== undefined;
}

/** How good a Digest algorithm is; RFC 7616 §3.7 leaves the choice to the client, and the strongest is it. */
const STRENGTH: Readonly<Record<string, number>> = { md5: 0, sha256: 1, 'sha512-256': 2 };

/** The answer to the best challenge that can be answered: schemes in the order given, the strongest Digest first. */
export async function answerChallenges(
  challenges: readonly Challenge[],
  schemes: readonly AuthenticationScheme[],
  context: Omit<ChallengeContext, 'challenge'>,
): Promise<string | undefined> {
  const strength = (challenge: Challenge): number => STRENGTH[digestAlgorithm(challenge)?.hash ?? ''] ?? -1;
  const sorted = [...challenges].sort((a, b) => strength(b) - strength(a));
  for (const scheme of schemes) {
    for (const challenge of sorted.filter((candidate) => candidate.scheme === scheme.name)) {
      const answer = await scheme.answer({ ...context, challenge });
      if (answer !== undefined) return answer;
    }
  }
  return undefined;
}
