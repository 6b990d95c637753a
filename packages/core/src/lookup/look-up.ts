import type { DialContext } from '../dial/dialer.js';
import { abortStateOf } from '../ground/abortable.js';
import type { Clock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { ipFamily } from '../ground/ip.js';
import { messageOf } from '../ground/text.js';
import { type Family, type HostAddress, lookingUp, lookupError, type Resolver } from './resolver.js';

/**
 * Asks `resolve` and reports that (`look-up`), then the answer or why there is none (`resolve`).
 *
 * Rejects as resolvers do, and for an answer without an address.
 */
export async function lookUp(
  host: string,
  family: Family | 0,
  context: DialContext,
  { clock, resolve }: { readonly clock: Clock; readonly resolve: Resolver },
): Promise<readonly HostAddress[]> {
  const { trace } = context;
  const state = abortStateOf(context);
  const startedAt = clock.now();
  const { servers } = resolve;
  const question = { host, family, ...(servers && { servers }) };
  trace({ event: 'look-up', ...question });
  const report = (addresses: readonly string[], reason?: string): void =>
    trace({ event: 'resolve', ...question, ms: clock.now() - startedAt, addresses, ...(reason && { reason }) });
  try {
    const addresses = await resolve(host, family, state);
    if (addresses.length === 0) throw lookupError(host, family, { code: 'ENODATA' });
    report(addresses.map((address) => address.host));
    return addresses;
  } catch (error) {
    if (!state.aborted) report([], messageOf(error).replace(`${lookingUp(host)}: `, '')); // the event has the name
    throw error;
  }
}

/**
 * `host` as an address if it is written as one, undefined if it is a name.
 *
 * @throws FdpassError `unknown-host` for an address of the family that is not allowed.
 */
export function literalAddress(host: string, allowed: Family | 0 = 0): HostAddress | undefined {
  const family = ipFamily(host);
  if (family !== 4 && family !== 6) return undefined;
  if (allowed === 0 || allowed === family) return { family, host };
  throw new FdpassError('unknown-host', `${host} is an IPv${family} address, and this hop uses IPv${allowed} only`, {
    hint: 'see its options "family" and "bindAddress"',
  });
}

/**
 * The family that a hop can use: what its options say, else that of the source address it binds.
 *
 * @throws FdpassError `config` if the two contradict each other.
 */
export function allowedFamily(family: Family | 'any' | undefined, bindAddress: string | undefined): Family | 0 {
  const chosen = family === undefined || family === 'any' ? 0 : family;
  const bound = ipFamily(bindAddress ?? '');
  if (bound !== 4 && bound !== 6) return chosen;
  if (chosen === 0 || chosen === bound) return bound;
  throw new FdpassError('config', `bindAddress ${bindAddress} is an IPv${bound} address, but family is ${chosen}`, {
    hint: 'leave one of the two out',
  });
}
