import type { LookupAddress } from 'node:dns';
import { closeSync, openSync } from 'node:fs';
import { type AbortState, makeAbortable, onAbort } from '../ground/abortable.js';
import { type Clock, untilAborted } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { lacksZone } from '../ground/ip.js';
import { errnoName, fromSystemError, isOutOfDescriptors } from '../ground/system-error.js';
import { findSys, loadSys } from '../sys/koffi.js';
import { AF_INET, decodeAddress } from '../sys/sockaddr.js';
import type { Sys } from '../sys/sys.js';

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
 * Rejects with an FdpassError, or at once with `state.reason` when that aborts: see {@link onAbort}. A signal is a state, too.
 */
export type Resolver = ((host: string, family: Family | 0, state: AbortState) => Promise<readonly HostAddress[]>) & {
  /** The name servers that it asks, for traces. Default: it does what the system does. */
  readonly servers?: readonly string[];
};

/** The part of `dns.lookup` that a resolver is made of. */
export type Lookup = (
  host: string,
  options: { readonly family: Family | 0; readonly all: true; readonly verbatim: true },
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** Makes a resolver from a function like `dns.lookup`. */
export function createResolver(lookup: Lookup): Resolver {
  return (host, family, state) =>
    new Promise((resolve, reject) => {
      state.throwIfAborted();
      const release = onAbort(state, reject); // getaddrinfo(3) cannot be interrupted: its late answer is ignored
      const failed = (error: unknown): void => {
        release();
        reject(lookupError(host, family, findLack() ?? error));
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

/** What the look-ups under way can need: libuv runs four at a time, and each needs one or two. */
const DESCRIPTORS = 8;

/** The system's error if too few descriptors are left; getaddrinfo(3) reports that as an unknown host. */
function findLack(): unknown {
  const opened: number[] = [];
  try {
    while (opened.length < DESCRIPTORS) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (isOutOfDescriptors(error)) return error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  return undefined;
}

/**
 * The same function, which does not ask name servers for `localhost` (RFC 6761, section 6.3). getaddrinfo(3) asks them for a family
 * that /etc/hosts does not have, and is content without it if it is asked for both.
 */
export function sparingLocalhost(lookup: Lookup): Lookup {
  return (host, options, done) => {
    const { family } = options;
    if (host !== 'localhost' || family === 0) return lookup(host, options, done);
    lookup(host, { ...options, family: 0 }, (error, addresses) =>
      done(error, error ? [] : addresses.filter((found) => found.family === family)),
    );
  };
}

/** How many look-ups can be under way: koffi allows 256 calls, and libuv's threads run four at a time by default. */
const MAX_LOOKUPS = 64;

/** getaddrinfo(3) through koffi, a limited number of calls at a time. */
export class LibcLookups {
  readonly #load: () => Sys;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** @param load Gives the system calls when the first look-up needs them. */
  constructor(load: () => Sys) {
    this.#load = load;
  }

  /** The addresses of a host. @throws an error whose `code` is the resolver's (`EAI_NONAME`, …) */
  async ask(host: string, family: Family | 0): Promise<LookupAddress[]> {
    const addresses = await this.#ask(host, family);
    return family === 0 ? addresses : this.addZones(host, addresses);
  }

  /**
   * The addresses of a host together with the interfaces of those that mean nothing without one, as names that mDNS
   * answers have. glibc tells the interface only if it is asked without a family, so it is asked once more.
   */
  async addZones(host: string, addresses: LookupAddress[]): Promise<LookupAddress[]> {
    if (!addresses.some(({ address }) => lacksZone(address))) return addresses;
    const all = await this.#ask(host, 0).catch(() => []);
    return addresses.flatMap((found) => {
      const zoned = lacksZone(found.address)
        ? all.filter(({ address }) => address.startsWith(`${found.address}%`))
        : [];
      return zoned.length > 0 ? zoned : [found];
    });
  }

  async #ask(host: string, family: Family | 0): Promise<LookupAddress[]> {
    const sys = this.#load();
    const wanted = { 0: 0, 4: AF_INET, 6: sys.platform.constants.AF_INET6 }[family];
    if (this.#underWay < MAX_LOOKUPS) this.#underWay++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return (await sys.getaddrinfo(host, wanted)).flatMap((sockaddr) => toAddress(sockaddr, sys));
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next(); // it takes the place of this one
    }
  }
}

function toAddress(sockaddr: Buffer, { platform, interfaceName }: Sys): LookupAddress[] {
  const found = decodeAddress(sockaddr, platform);
  if (found === undefined || !('address' in found)) return [];
  const { address, scope } = found;
  if (!address.includes(':')) return [{ address, family: 4 }];
  return [{ address: scope === undefined ? address : `${address}%${interfaceName(scope) ?? scope}`, family: 6 }];
}

/** One for the process, as koffi's limit is. */
const libcLookups = new LibcLookups(loadSys);

/** The system's own resolver (getaddrinfo), so that /etc/hosts, nsswitch.conf and RFC 6724's order hold. */
export const systemResolver: Resolver = createResolver(
  sparingLocalhost((host, options, done) =>
    process.getBuiltinModule('node:dns').lookup(host, options, (error, addresses) => {
      const lacksNothing = error !== null || !addresses.some(({ address }) => lacksZone(address));
      if (lacksNothing || findSys() === undefined) done(error, addresses);
      else void libcLookups.addZones(host, addresses).then((zoned) => done(null, zoned)); // Node drops them
    }),
  ),
);

/**
 * The same through koffi, for a process that makes one dial: loading `node:dns` and its first look-up cost as much as
 * everything else in a dial. `dns.lookup` serves where koffi is missing, and for a failure that only an errno explains
 * (EAI_SYSTEM).
 */
export const libcResolver: Resolver = createResolver(
  sparingLocalhost((host, options, done) => {
    const ask = async (): Promise<void> => {
      try {
        done(null, await libcLookups.ask(host, options.family));
      } catch (error) {
        const name = errnoName(error) ?? '';
        if (name.startsWith('EAI_') && name !== 'EAI_SYSTEM') return done(error as Error, []);
        process.getBuiltinModule('node:dns').lookup(host, options, done);
      }
    };
    void ask();
  }),
);

/**
 * A resolver that asks `resolve` once for what several dials want to know at the same time: a thousand dials to one host
 * would otherwise wait for two thousand answers from the few threads that look names up. Nothing is cached once it is
 * answered. Each caller's signal ends its own wait only.
 */
export function shareLookups(resolve: Resolver): Resolver {
  const shared = new Map<string, Promise<readonly HostAddress[]>>();
  const never = makeAbortable(); // a look-up cannot be interrupted, and others may wait for it too
  const ask = (host: string, family: Family | 0): Promise<readonly HostAddress[]> => {
    const key = `${family} ${host}`;
    const asked = shared.get(key);
    if (asked !== undefined) return asked;
    const asking = resolve(host, family, never).finally(() => shared.delete(key));
    shared.set(key, asking);
    return asking;
  };
  return async (host, family, state) => {
    state.throwIfAborted();
    return untilAborted(state, ask(host, family));
  };
}

/** A resolver that remembers answers for a while. */
export interface RememberingResolver {
  /** Looks names up, or remembers. */
  readonly resolve: Resolver;
  /** Forgets all answers. */
  forget(): void;
}

/**
 * Remembers the addresses that `resolve` finds for `keepMs`, and asks once for what several dials want to know at the same
 * time. That a name has none is not remembered.
 */
export function rememberLookups(resolve: Resolver, keepMs: number, clock: Clock): RememberingResolver {
  const start = (): { readonly ask: Resolver; readonly known: Map<string, readonly HostAddress[]> } => ({
    ask: shareLookups(resolve),
    known: new Map(),
  });
  let memory = start();
  return {
    async resolve(host, family, state) {
      const { ask, known } = memory; // a look-up that is under way when all is forgotten is of before
      const key = `${family} ${host}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const addresses = await ask(host, family, state);
      if (!known.has(key)) clock.after(keepMs, () => known.delete(key));
      known.set(key, addresses);
      return addresses;
    },
    forget() {
      memory = start();
    },
  };
}

// What getaddrinfo(3) says of a name without an address of the family asked for. libuv folds most into ENOTFOUND.
const NO_ADDRESS = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA', 'EAI_ADDRFAMILY', 'EAI_FAMILY']);

/** Whether a resolver failed because there is no address of that kind, rather than because it could not find out. */
export function isNoAddress(error: unknown): boolean {
  return NO_ADDRESS.has(errnoName((error as { cause?: unknown } | null)?.cause) ?? '');
}

/** What the messages of {@link lookupError} begin with. */
export function lookingUp(host: string): string {
  return `cannot look up ${host}`;
}

/** The error for a look-up that failed with a system error. */
export function lookupError(host: string, family: Family | 0, error: unknown): FdpassError {
  const name = errnoName(error) ?? '';
  const doing = lookingUp(host);
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
