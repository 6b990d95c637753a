import type { Router } from '@fdpass/core/host';
import { inOrder } from '../in-order.js';
import { type Check, type Checked, worstOfEach } from './finding.js';
import { type ProxyRoute, proxyRoute, proxyRoutes } from './proxy-routes.js';
import { proxySettings, spellingOf, usesEnv } from './proxy-variables.js';
import type { Surroundings } from './surroundings.js';
import { refuseToAsk, tryProxy } from './try-proxy.js';

const AT_ONCE = 8;

/** Whether the proxies of the configuration answer. */
export const proxies: Check = {
  name: 'proxies',
  async run(around): Promise<Checked> {
    const framework = await around.framework();
    if (framework === undefined) return { facts: ['not tried: the configuration has errors'], findings: [] };
    const router = framework.router.withServices({ beforeAsking: refuseToAsk });
    const routes = onceEach([
      ...(await proxyRoutes({ ...framework, router })),
      ...(await variableRoutes(router, around)),
    ]);
    const results = await inOrder(routes, AT_ONCE, (route) => tryProxy(route, router, around.timeoutMs));
    const answered = results.filter((each) => each.length === 0).length;
    const fact = routes.length === 0 ? 'none' : `${answered} of ${routes.length} routes to them answer`;
    return { facts: [fact], findings: worstOfEach(results.flat()) };
  },
};

/** The proxies that variables name, if a rule follows those. */
async function variableRoutes(router: Router, around: Surroundings): Promise<ProxyRoute[]> {
  if (!(await usesEnv(around))) return [];
  const { environment } = around;
  const exempt = environment[spellingOf('no_proxy', environment) ?? ''];
  const settings = exempt?.trim() === '*' ? [] : proxySettings(environment);
  const routes = await Promise.all(
    settings.map(
      ({ url }) => proxyRoute({ use: url, baseDir: '/', isNeeded: true }, router).catch(() => []), // another check says what is wrong with it
    ),
  );
  return routes.flat();
}

/** Each route once, as the rule that needs it most. */
function onceEach(routes: readonly ProxyRoute[]): ProxyRoute[] {
  const unique = new Map<string, ProxyRoute>();
  for (const route of routes) {
    const known = unique.get(route.key);
    if (known === undefined || (route.isNeeded && !known.isNeeded)) unique.set(route.key, route);
  }
  return [...unique.values()];
}
