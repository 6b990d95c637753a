import type { LookupAddress } from 'node:dns';
import type { DialContext } from '../dial/dialer.js';
import { FdpassError, messageOf } from '../ground/errors.js';
import { ipFamily } from '../ground/ip-family.js';
import { errnoName, fromSystemError } from '../ground/system-error.js';

/** IPv4 or IPv6, as Node writes them. */
export type Family = 4 | 6;

/** An address of a host. */
export interface HostAddress {
  /** The family of `host`. */
  readonly family: Family;
  /** A literal without brackets; an IPv6 one may have a zone (`fe80::1%eth0`). */
  readonly host: string;
}

/**
 * Finds the addresses of a host name, at least one, in the order they should be tried; family 0 means either.
 *
 * Rejects with an FdpassError, or at once with `signal.reason` when that aborts.
 */
export type Resolver = (host: string, family: Family | 0, signal: AbortSignal) => Promise<readonly HostAddress[]>;

/** The part of `dns.lookup` that a resolver is made of. */
export type Lookup = (
  host: string,
  options: { readonly family: Family | 0; readonly all: true; readonly verbatim: true },
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

// What getaddrinfo(3) says of a name without an address of the family asked for. libuv folds most into ENOTFOUND.
const NO_ADDRESS = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA', 'EAI_ADDRFAMILY', 'EAI_FAMILY']);

/** Makes a resolver of a function like `dns.lookup`. */
export function createResolver(lookup: Lookup): Resolver {
  return (host, family, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      // getaddrinfo(3) cannot be interrupted: its late answer meets a settled promise.
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      lookup(host, { family, all: true, verbatim: true }, (error, addresses) => {
        signal.removeEventListener('abort', abort);
        if (error === null && addresses.length > 0) resolve(distinct(addresses));
        else reject(lookupError(host, family, error ?? { code: 'ENODATA' }));
      });
    });
}

/** The system's own resolver (getaddrinfo), so that /etc/hosts, nsswitch.conf and RFC 6724's order hold. */
export const systemResolver: Resolver = createResolver((host, options, done) =>
  process.getBuiltinModule('node:dns').lookup(host, options, done),
);

/**
 * Asks `resolve` (default: the context's, else the system's) and traces the answer or why there is none (`resolve`, with the addresses and the milliseconds).
 *
 * Rejects as resolvers do, and for an answer without an address.
 */
export async function lookUp(
  host: string,
  family: Family | 0,
  { clock, signal, trace, resolve: given }: DialContext,
  resolve: Resolver = given ?? systemResolver,
): Promise<readonly HostAddress[]> {
  const startedAt = clock.now();
  const report = (details: object): void =>
    trace({ event: 'resolve', host, family, ms: clock.now() - startedAt, ...details });
  try {
    const addresses = await resolve(host, family, signal);
    if (addresses.length === 0) throw lookupError(host, family, { code: 'ENODATA' });
    report({ addresses: addresses.map((address) => address.host) });
    return addresses;
  } catch (error) {
    if (!signal.aborted) report({ addresses: [], reason: messageOf(error) });
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
 * The family that a hop may use: what its options say, else that of the source address it binds.
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

/** Whether a resolver failed because there is no address of that kind, rather than because it could not find out. */
export function isNoAddress(error: unknown): boolean {
  return NO_ADDRESS.has(errnoName((error as { cause?: unknown } | null)?.cause) ?? '');
}

function distinct(addresses: readonly LookupAddress[]): HostAddress[] {
  const hosts = new Map(addresses.map(({ address, family }) => [address, { family: family as Family, host: address }]));
  return [...hosts.values()];
}

function lookupError(host: string, family: Family | 0, error: unknown): FdpassError {
  const name = errnoName(error) ?? '';
  const doing = `cannot look up ${host}`;
  if (NO_ADDRESS.has(name)) {
    const reason = family === 0 ? 'no such host' : `no IPv${family} address`;
    return new FdpassError('unknown-host', `${doing}: ${reason}`, { hint: 'is the name spelt right?', cause: error });
  }
  if (!name.startsWith('EAI_') || name === 'EAI_AGAIN') return fromSystemError(error, doing);
  return new FdpassError('unknown-host', `${doing}: the resolver failed (${name})`, {
    hint: 'are the name servers in order?',
    cause: error,
  });
}
