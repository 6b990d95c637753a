import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Connection, makeTarget, type Target } from '@fdpass/core';
import {
  asNodeError,
  createResolver,
  DEFAULT_SERVICES,
  type Framework,
  loadFramework,
  type Resolver,
  type Route,
  type Router,
} from '@fdpass/core/host';
import { BUILTIN_PARTS } from './builtin.js';

/** What a program wants to connect to. */
export interface Wanted {
  readonly host: string;
  readonly port: number;
  /** The program's own function for the addresses of `host`. Default: the system's. */
  readonly lookup?: LookupFunction | undefined;
}

type LookedUp = (error: Error | null, found: readonly LookupAddress[]) => void;

let loading: Promise<Framework> | undefined;

/** Dials by the rules of the user's config. @throws the error that `net.connect` would give, with the dial's as its `cause`. */
export async function dialByRules({ lookup, ...wanted }: Wanted, signal: AbortSignal): Promise<Connection> {
  try {
    const target = makeTarget(wanted);
    const { router } = await loaded();
    const own = lookup === undefined ? router : router.withServices({ resolve: askingFor(target.host, lookup) });
    return await own.dial(await findRoute(own, target), { signal });
  } catch (error) {
    throw asNodeError(error);
  }
}

/** By the rules, or through the hops of FDPASS_VIA, as the command takes it. */
function findRoute(router: Router, target: Target): Promise<Route> {
  const via = (process.env['FDPASS_VIA'] ?? '').split(/\s+/).filter(Boolean);
  return via.length > 0 ? router.routeVia(target, via, '/', 'FDPASS_VIA') : router.route(target);
}

/** Once for the program. What was wrong with a config can be mended before the next dial. */
function loaded(): Promise<Framework> {
  if (loading === undefined) {
    loading = loadFramework(BUILTIN_PARTS);
    loading.catch(() => {
      loading = undefined;
    });
  }
  return loading;
}

/**
 * Asks the program for the addresses of `host` where a rule wants them, once for both families as Node does, and the system for
 * those of proxies.
 */
function askingFor(host: string, lookup: LookupFunction): Resolver {
  let asked: Promise<Parameters<LookedUp>> | undefined;
  const ask = (): Promise<Parameters<LookedUp>> =>
    new Promise((resolve) => {
      lookup(host, { family: 0, all: true, verbatim: true }, (error, address, family) =>
        resolve([error, typeof address === 'string' ? [{ address, family: family ?? 4 }] : address]),
      );
    });
  const asking = createResolver((_name, { family }, done) => {
    asked ??= ask();
    asked.then(
      ([error, found]) => done(error, error ? [] : found.filter((each) => family === 0 || each.family === family)),
      (error: Error) => done(error, []), // thrown by the program's function
    );
  });
  return (name, family, signal) => (name === host ? asking : DEFAULT_SERVICES.resolve)(name, family, signal);
}
