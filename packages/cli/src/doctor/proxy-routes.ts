import { isFdpassError, makeTarget } from '@fdpass/core';
import type { Framework, HopSummary, Route } from '@fdpass/core/host';

/** A route that leads to a proxy, and from there back to it: no other target is sure to be there. */
export interface ProxyRoute {
  /** What it is made of. */
  readonly key: string;
  readonly route: Route;
  /** Whether a rule has no other way, so that hosts cannot be reached without it. */
  readonly isNeeded: boolean;
}

/** Where a route is written. */
interface Written {
  readonly use: unknown;
  readonly baseDir: string;
  readonly isNeeded: boolean;
}

const HTTPS_PORT = 443;
/** Any target: what a route is does not depend on it. */
const ANYWHERE: Route['target'] = { host: 'localhost', port: HTTPS_PORT };

/** The routes of all rules and named hops that lead to a proxy. */
export async function proxyRoutes({ config, router }: Framework): Promise<ProxyRoute[]> {
  const ofRules = (config?.rules ?? []).map(
    ({ use, baseDir, localNetwork, conditions }): Written => ({
      use,
      baseDir,
      isNeeded: localNetwork === undefined && conditions === undefined,
    }),
  );
  const named = [...(config?.hops ?? [])].map(([use, { baseDir }]): Written => ({ use, baseDir, isNeeded: false }));
  const routes = await Promise.all([...ofRules, ...named].map((written) => proxyRoute(written, router)));
  return routes.flat();
}

/** One route that leads to a proxy; none if it does not lead to one. @throws FdpassError `config` */
export async function proxyRoute(
  { use, baseDir, isNeeded }: Written,
  router: Framework['router'],
): Promise<ProxyRoute[]> {
  for (const part of fromLongest(use)) {
    const route = await router.routeVia(ANYWHERE, part, baseDir, 'fdpass doctor');
    const hops = await route.chain.summarize();
    const target = lastProxy(hops);
    if (target === undefined) continue; // what comes behind the last proxy, such as a jump host, is not asked
    const hasChoice = hops.some(({ routes = [] }) => routes.length > 0);
    const key = JSON.stringify([part, baseDir]);
    return [{ key, route: { ...route, target }, isNeeded: isNeeded && !hasChoice }];
  }
  return [];
}

/** A chain, then the same without its last hop, and so on. */
function fromLongest(use: unknown): unknown[] {
  return Array.isArray(use) ? use.map((_, index) => use.slice(0, use.length - index)) : [use];
}

/** The address of the proxy that comes last. */
function lastProxy(hops: readonly HopSummary[]): Route['target'] | undefined {
  const last = hops.at(-1);
  if (last === undefined) return undefined;
  const written = (last.routes ?? []).filter(({ at }) => at !== undefined); // those of variables are not for every target
  const inside = written.map(({ hops: inner }) => lastProxy(inner));
  return inside.find((target) => target !== undefined) ?? placeOf(Object(last.options).url);
}

/** Where a proxy is, by its URL as it is shown. A jump host is reached by an ssh of its own. */
function placeOf(url: unknown): Route['target'] | undefined {
  const [, scheme = '', place = ''] = /^([a-z0-9+.-]+):\/\/(?:[^@/]*@)?([^/?#]+)/i.exec(String(url)) ?? [];
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:,]+))(?::(\d+))?$/.exec(place) ?? [];
  const host = bracketed ?? bare;
  if (host === undefined || scheme === 'jump') return undefined;
  try {
    return makeTarget({ host, port: port ?? HTTPS_PORT });
  } catch (error) {
    if (isFdpassError(error)) return undefined; // a unix socket
    throw error;
  }
}
