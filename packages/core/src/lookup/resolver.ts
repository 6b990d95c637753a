import type { LookupAddress } from 'node:dns';
import { onAbort, untilAborted } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { errnoName, fromSystemError } from '../ground/system-error.js';
import { loadSys } from '../sys/koffi.js';
import type { Platform } from '../sys/platform.js';
import { AF_INET, decodeAddress } from '../sys/sockaddr.js';

/** IPv4 or IPv6, as Node writes them. */
export type Family = 4 | 6;

/** An address of a host. */
export interface HostAddress {
  /** The family of `host`. */
  readonly family: Family;
  /** A literal without brackets; an IPv6 one can have a zone (`fe80::1%eth0`). */
  readonly host: string;
}

/**
 * Finds the addresses of a host name, at least one, in the order to try them; family 0 means either.
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

/** Makes a resolver from a function like `dns.lookup`. */
export function createResolver(lookup: Lookup): Resolver {
  return (host, family, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const release = onAbort(signal, reject); // getaddrinfo(3) cannot be interrupted: its late answer is ignored
      const failed = (error: unknown): void => {
        release();
        reject(lookupError(host, family, error));
      };
      try {
        lookup(host, { family, all: true, verbatim: true }, (error, addresses) => {
          if (error || addresses.length === 0) return failed(error ?? { code: 'ENODATA' });
          release();
          resolve(distinct(addresses));
        });
      } catch (error) {
        failed(error); // a program's own function
      }
    });
}

/** The system's own resolver (getaddrinfo), so that /etc/hosts, nsswitch.conf and RFC 6724's order hold. */
export const systemResolver: Resolver = createResolver((host, options, done) =>
  process.getBuiltinModule('node:dns').lookup(host, options, done),
);

/** How many look-ups can be under way: koffi allows 256 calls, and libuv's threads run four at a time by default. */
const MAX_LOOKUPS = 64;

let underWay = 0;
const waiting: (() => void)[] = [];

/**
 * The same through koffi, for a process that makes one dial: loading `node:dns` and its first look-up cost as much as
 * everything else in a dial. `dns.lookup` serves where koffi is missing, and for a failure that only an errno explains
 * (EAI_SYSTEM).
 */
export const libcResolver: Resolver = createResolver((host, options, done) => {
  const ask = async (): Promise<void> => {
    try {
      done(null, await askLibc(host, options.family));
    } catch (error) {
      const name = errnoName(error) ?? '';
      if (name.startsWith('EAI_') && name !== 'EAI_SYSTEM') return done(error as Error, []);
      process.getBuiltinModule('node:dns').lookup(host, options, done);
    }
  };
  void ask();
});

async function askLibc(host: string, family: Family | 0): Promise<LookupAddress[]> {
  const { platform, getaddrinfo } = loadSys();
  const wanted = { 0: 0, 4: AF_INET, 6: platform.constants.AF_INET6 }[family];
  await acquireSlot();
  try {
    return (await getaddrinfo(host, wanted)).flatMap((sockaddr) => toAddress(sockaddr, platform));
  } finally {
    underWay--;
    waiting.shift()?.();
  }
}

/** Resolves when there is room for one more look-up, which is then counted. */
async function acquireSlot(): Promise<void> {
  if (underWay >= MAX_LOOKUPS) await new Promise<void>((resolve) => waiting.push(resolve));
  underWay++;
}

function toAddress(sockaddr: Buffer, platform: Platform): LookupAddress[] {
  const found = decodeAddress(sockaddr, platform);
  if (found === undefined || !('address' in found)) return [];
  const { address, scope } = found;
  if (!address.includes(':')) return [{ address, family: 4 }];
  return [{ address: scope === undefined ? address : `${address}%${scope}`, family: 6 }];
}

/**
 * A resolver that asks `resolve` once for what several dials want to know at the same time: a thousand dials to one host
 * would otherwise wait for two thousand answers from the few threads that look names up. Nothing is cached once it is
 * answered. Each caller's signal ends its own wait only.
 */
export function shareLookups(resolve: Resolver): Resolver {
  const shared = new Map<string, Promise<readonly HostAddress[]>>();
  const never = new AbortController().signal; // a look-up cannot be interrupted, and others may wait for it too
  const ask = (host: string, family: Family | 0): Promise<readonly HostAddress[]> => {
    const key = `${family} ${host}`;
    const asked = shared.get(key);
    if (asked !== undefined) return asked;
    const asking = resolve(host, family, never).finally(() => shared.delete(key));
    shared.set(key, asking);
    return asking;
  };
  return async (host, family, signal) => {
    signal.throwIfAborted();
    return untilAborted(signal, ask(host, family));
  };
}

// What getaddrinfo(3) says of a name without an address of the family asked for. libuv folds most into ENOTFOUND.
const NO_ADDRESS = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA', 'EAI_ADDRFAMILY', 'EAI_FAMILY']);

/** Whether a resolver failed because there is no address of that kind, rather than because it could not find out. */
export function isNoAddress(error: unknown): boolean {
  return NO_ADDRESS.has(errnoName((error as { cause?: unknown } | null)?.cause) ?? '');
}

/** The error for a look-up that failed with a system error. */
export function lookupError(host: string, family: Family | 0, error: unknown): FdpassError {
  const name = errnoName(error) ?? '';
  const doing = `cannot look up ${host}`;
  if (NO_ADDRESS.has(name)) {
    const reason = family === 0 ? 'no such host' : `no IPv${family} address`;
    return new FdpassError('unknown-host', `${doing}: ${reason}`, { hint: 'check the spelling', cause: error });
  }
  if (!name.startsWith('EAI_') || name === 'EAI_AGAIN') return fromSystemError(error, doing);
  return new FdpassError('unknown-host', `${doing}: the resolver failed (${name})`, {
    hint: 'check the name servers of this machine',
    cause: error,
  });
}

function distinct(addresses: readonly LookupAddress[]): HostAddress[] {
  const hosts = new Map(addresses.map(({ address, family }) => [address, { family: family as Family, host: address }]));
  return [...hosts.values()];
}
