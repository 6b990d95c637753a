import type { Dialer, Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { chooseProxy, readVariables } from './environment.js';
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

/** Makes the strategy for an environment; its variables are read when a chain is built. */
export function createEnv(environment: NodeJS.ProcessEnv): Strategy<EnvOptions> {
  return {
    name: 'env',
    schemes: ['env'],
    optionsSchema: envOptions,
    create(_, forward, host) {
      const variables = readVariables(environment);
      const routes = new Map<string, Dialer>();
      for (const proxy of new Set([chooseProxy(variables, 443), chooseProxy(variables, 22)])) {
        if (proxy !== undefined) routes.set(proxy, host.route(proxy));
      }
      const choose = (target: { host: string; port: number }): Dialer => {
        const proxy = isExempt(target.host, variables.no) ? undefined : chooseProxy(variables, target.port);
        return (proxy !== undefined && routes.get(proxy)) || forward;
      };
      return {
        dial: (target, context) => choose(target).dial(target, context),
        get needsRelay() {
          return [...routes.values()].some((route) => route.needsRelay === true);
        },
      };
    },
  };
}

/** The proxy that ALL_PROXY or HTTPS_PROXY names, unless NO_PROXY exempts the target; without one, what lies before. */
export const env: Strategy<EnvOptions> = createEnv(process.env);
