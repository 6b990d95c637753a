import { type Chain, FdpassError, isFdpassError, type Strategy, showUrl, type Target } from '@fdpass/core';
import * as v from 'valibot';
import { chooseProxy, type ProxyChoice, readVariables } from './environment.js';
import { findExemption } from './no-proxy.js';

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
    async function compiled({ proxy }: ProxyChoice): Promise<Chain | FdpassError> {
      try {
        return await host.route(proxy);
      } catch (error) {
        if (isFdpassError(error)) return error;
        throw error;
      }
    }

    function decide({ host: name, port }: Target): Decision {
      const choice = chooseProxy(variables, port);
      if (choice === undefined)
        return { route: host.forward, why: 'no proxy: neither ALL_PROXY nor HTTPS_PROXY is set' };
      const { entries, variable } = variables.no;
      const entry = findExemption(name, entries);
      if (entry !== undefined)
        return { route: host.forward, why: `no proxy: ${variable} exempts it by the entry ${entry}` };
      const why = `${choice.variable} names the proxy ${showUrl(choice.proxy)}`;
      return { route: routes.get(choice.proxy) ?? host.forward, why, variable: choice.variable };
    }

    return {
      async dial(target, context) {
        const { route, variable } = decide(target);
        if (isFdpassError(route)) throw inVariable(route, variable);
        try {
          return await route.dial(target, context);
        } catch (error) {
          throw isFdpassError(error) ? hopNamed(error, variable) : error;
        }
      },
      needsRelay(target) {
        const { route } = decide(target);
        return !isFdpassError(route) && route.needsRelay(target);
      },
      tls(target) {
        const { route } = decide(target);
        return isFdpassError(route) ? undefined : route.tls?.(target);
      },
      explain(target) {
        const { route, why } = decide(target);
        return [`env: ${why}`, ...(isFdpassError(route) ? [route.message] : (route.explain?.(target) ?? []))];
      },
    };
  },
};

/** Which way a target takes. */
interface Decision {
  /** The way, or why the variable that names it cannot be used. */
  readonly route: Chain | FdpassError;
  /** For people. */
  readonly why: string;
  /** The one that names the proxy; undefined where none is used. */
  readonly variable?: string;
}

/** A proxy's URL that is wrong: the user has to find it in the environment. */
function inVariable({ code, message, hint, hop, cause }: FdpassError, variable = ''): FdpassError {
  return new FdpassError(code, `the variable ${variable}: ${message}`, { hint, hop, cause });
}

/** A dial that failed at the proxy, whose hop the user has not written: it is called as the variable, as named hops are. */
function hopNamed(error: FdpassError, variable: string | undefined): FdpassError {
  if (variable === undefined || error.hop === undefined) return error;
  const hop = `${variable} (${error.hop})`;
  return new FdpassError(error.code, error.summary, { ...error, hop, cause: error.cause });
}
