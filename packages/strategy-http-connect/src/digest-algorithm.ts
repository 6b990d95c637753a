import type { Challenge } from './challenge.js';

/** Hash functions by the names of RFC 7616 §3.3 (and RFC 2617's MD5). */
const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** The algorithm a challenge asks for, if it is one we know. */
export function digestAlgorithm({ params }: Challenge): { name: string; hash: string; isSession: boolean } | undefined {
  const name = params.get('algorithm') ?? 'MD5';
  const isSession = /-sess$/i.test(name);
  const hash = HASHES[name.replace(/-sess$/i, '').toUpperCase()];
  return hash === undefined ? undefined : { name, hash, isSession };
}
