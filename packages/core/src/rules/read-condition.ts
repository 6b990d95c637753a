import { FdpassError, isFdpassError } from '../ground/errors.js';
import { normalizeHost, parsePort } from '../ground/read-target.js';
import type { ReachableCondition } from './condition.js';

/** How long a place can take to answer: every dial that comes to the rule waits for it. */
const REACHABLE_TIMEOUT_MS = 1000;

/**
 * `HOST:PORT`, `[ADDRESS]:PORT`, or either with `!` before it.
 *
 * @throws FdpassError `config`
 */
export function parseReachable(source: string, timeoutMs: number = REACHABLE_TIMEOUT_MS): ReachableCondition {
  const negated = source.startsWith('!');
  const [, bracketed, bare, port = ''] =
    /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(negated ? source.slice(1) : source) ?? [];
  try {
    return { negated, host: normalizeHost(bracketed ?? bare ?? '', ['host']), port: parsePort(port), timeoutMs };
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    throw new FdpassError('config', 'this is not a host and a port', {
      hint: 'write HOST:PORT, e.g. "gateway.example:443" or "[2001:db8::1]:443"',
    });
  }
}
