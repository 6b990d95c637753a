import type { Challenge } from './challenge.js';

/** Hash functions by the names of RFC 7616 §3.3 (and RFC 2617's MD5). */
const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** The algorithm that a challenge asks for, if we support it. */
export function digestAlgorithm({ params }: Challenge): { name: string; hash: string; isSession: boolean } | undefined {
  const name = params.get('algorithm') || 'MD5';
  const isSession = /-sess$/i.test(name);
  const hash = HASHES[name.replace(/-sess$/i, '').toUpperCase()];
  return hash === undefined ? undefined : { name, hash, isSession };
}

/**
 * The quality of protection to answer with: `auth`, or `none` for a challenge that offers none, as those of RFC 2069.
 * Undefined if it offers others only: `auth-int` covers a body, and CONNECT has none.
 */
export function digestQop({ params }: Challenge): 'auth' | 'none' | undefined {
  const offered = (params.get('qop') ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  if (offered.length === 0) return 'none';
  return offered.includes('auth') ? 'auth' : undefined;
}

/** Whether we can answer it: it has a nonce, an algorithm that we support and a quality of protection for CONNECT. */
export function isAnswerable(challenge: Challenge): boolean {
  return (
    challenge.params.has('nonce') && digestAlgorithm(challenge) !== undefined && digestQop(challenge) !== undefined
  );
}
