import { type Chain, FdpassError, isFdpassError, type Strategy, type Target } from '@fdpass/core';
import * as v from 'valibot';
import { chooseProxy, type ProxyChoice, readVariables } from './environment.js';
import { isExempt } from './no-proxy.js';

/** The options of an `env` hop: none but the URL that names it. */
export interface EnvOptions {
  /** `env:`, where the hop was written as a URL. */
  readonly url?: string | undefined;
}

const envOptions: v.GenericSchema<EnvOptions> = v.strictObject({
  url: v.optional(
    v.pipe(v.literal('env:', 'the URL of this hop is just env:'), v.description('env:, as --via writes it')),
  ),
});

/** HTTPS_PROXY is meant for one port; every other one has the same choice. */
const PORTS = [443, 22];

/** The proxy that ALL_PROXY or HTTPS_PROXY names, unless NO_PROXY exempts the target; otherwise the hops before. */
export const env: Strategy<EnvOptions> = {
  name: 'env',
  schemes: ['env'],
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema: envOptions,
  async create(_, host) {
    const variables = readVariables(host.environment);
    const routes = new Map<string, Chain | FdpassError>();
    for (const choice of PORTS.map((port) => chooseProxy(variables, port))) {
      if (choice !== undefined && !routes.has(choice.proxy)) routes.set(choice.proxy, await compiled(choice));
    }

    /** A variable that is wrong matters only to the targets that it is chosen for. */
    async function compiled({ proxy, variable }: ProxyChoice): Promise<Chain | FdpassError> {
      try {
        return await host.route(proxy);
      } catch (error) {
        if (!isFdpassError(error)) throw error;
        const { code, hint, hop } = error;
        return new FdpassError(code, `the variable ${variable}: ${error.message}`, { hint, hop, cause: error });
      }
    }

    function chooseRoute({ host: name, port }: Target): Chain | FdpassError {
      const choice = isExempt(name, variables.no) ? undefined : chooseProxy(variables, port);
      return (choice && routes.get(choice.proxy)) || host.forward;
    }

    return {
      async dial(target, context) {
        const route = chooseRoute(target);
        if (isFdpassError(route)) throw route;
        return route.dial(target, context);
      },
      needsRelay(target) {
        const route = chooseRoute(target);
        return !isFdpassError(route) && route.needsRelay(target);
      },
    };
  },
};
