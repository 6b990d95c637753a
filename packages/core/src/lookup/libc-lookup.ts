import type { LookupAddress } from 'node:dns';
import { errnoName } from '../ground/system-error.js';
import { decodeAddress } from '../sys/fd-info.js';
import { loadSys } from '../sys/koffi.js';
import type { Platform } from '../sys/platform.js';
import { createResolver, type Lookup, type Resolver } from './resolver.js';

const AF_INET = 2;

/** How many look-ups may be under way: koffi allows 256 calls, and libuv's threads take four at a time by default. */
const MAX_LOOKUPS = 64;

let underWay = 0;
const waiting: (() => void)[] = [];

/**
 * getaddrinfo(3) with the signature of `dns.lookup`, for a process that makes one dial. `dns.lookup` first asks whether
 * the name is an address, by a regular expression whose first use costs as much as everything else in a dial. What this
 * cannot do it leaves to it: a platform without koffi, and a failure of which only an errno tells (EAI_SYSTEM).
 */
const libcLookup: Lookup = (host, options, done) => {
  const ask = async (): Promise<void> => {
    try {
      const addresses = await addressesOf(host, options.family);
      done(null, addresses);
    } catch (error) {
      if (errnoName(error)?.startsWith('EAI_') && errnoName(error) !== 'EAI_SYSTEM') return done(error as Error, []);
      process.getBuiltinModule('node:dns').lookup(host, options, done);
    }
  };
  void ask();
};

async function addressesOf(host: string, family: 0 | 4 | 6): Promise<LookupAddress[]> {
  const { platform, getaddrinfo } = await loadSys();
  const wanted = { 0: 0, 4: AF_INET, 6: platform.constants.AF_INET6 }[family];
  await turn();
  try {
    return (await getaddrinfo(host, wanted)).flatMap((sockaddr) => toAddress(sockaddr, platform));
  } finally {
    underWay--;
    waiting.shift()?.();
  }
}

/** The system's resolver by a shorter way than `dns.lookup`, which an embedding program may have replaced and keeps. */
export const libcResolver: Resolver = createResolver(libcLookup);

/** Resolves when there is room for one more look-up, which is then counted. */
async function turn(): Promise<void> {
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
