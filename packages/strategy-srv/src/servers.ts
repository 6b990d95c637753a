import type { SrvRecord } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { type Clock, type DialContext, errnoName, FdpassError, formatHostPort, fromSystemError } from '@fdpass/core';

/** Finds the SRV records of a name; rejects with a system error, or with `signal.reason` when that aborts. */
export type ResolveSrv = (name: string, signal: AbortSignal) => Promise<readonly SrvRecord[]>;

/**
 * Makes a look-up that asks the system's name servers, or those given (`192.0.2.53`, `[2001:db8::1]:5353`).
 *
 * @throws FdpassError `config` for a name server that is not an address.
 */
export function createResolveSrv(servers?: readonly string[]): ResolveSrv {
  for (const server of servers ?? []) newResolver([server]);
  return async (name, signal) => {
    signal.throwIfAborted();
    const resolver = newResolver(servers); // one for each look-up, so that it can be cancelled alone
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await resolver.resolveSrv(name);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

function newResolver(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver();
  if (servers === undefined) return resolver;
  try {
    resolver.setServers(servers);
    return resolver;
  } catch {
    // Node's own error repeats it.
    throw new FdpassError('config', 'option "servers": not the address of a name server', {
      hint: 'write 192.0.2.53 or [2001:db8::53]:5353',
    });
  }
}

/** What a name server says of a name without SRV records: there is no such name, or it has records of other types only. */
const NO_RECORD = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * The SRV records of `name`, none if it has none.
 *
 * @throws FdpassError `unknown-host` if nobody could say, or if the one record says that the service is not offered
 * (RFC 2782, a target of "."); `signal.reason` when that aborts.
 */
export async function lookUpServers(
  name: string,
  { signal, trace }: DialContext,
  clock: Clock,
  resolveSrv: ResolveSrv,
): Promise<readonly SrvRecord[]> {
  const startedAt = clock.now();
  trace({ event: 'look-up', host: name });
  const found = await resolveSrv(name, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (NO_RECORD.has(errnoName(error) ?? '')) return [];
    throw lookupFailed(name, error);
  });
  const addresses = found.map(({ name: host, port }) => formatHostPort(host, port));
  trace({ event: 'resolve', host: name, ms: clock.now() - startedAt, addresses });
  signal.throwIfAborted(); // whoever listens can abort
  const servers = found.filter((record) => !isRoot(record));
  if (servers.length === 0 && found.length > 0) throw notOffered(name);
  return servers;
}

/** The root name, which c-ares writes as an empty one. */
function isRoot({ name }: SrvRecord): boolean {
  return name === '' || name === '.';
}

function notOffered(name: string): FdpassError {
  return new FdpassError('unknown-host', `the SRV record ${name} says that this service is not offered there`);
}

function lookupFailed(name: string, error: unknown): FdpassError {
  const { message } = fromSystemError(error, `cannot look up the SRV records of ${name}`);
  return new FdpassError('unknown-host', message, { hint: 'check that the name servers are reachable', cause: error });
}
