import { allFailed, duration, lastFirst, routeList, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { explainRoutes, remember, winnerOf } from './winner.js';

/** The options of a `first-of` hop, as its schema gives them. */
export interface FirstOfOptions {
  /** `use` values, the best one first. */
  readonly routes: readonly unknown[];
  /** Milliseconds for each route. Default: no limit but that of the whole dial. */
  readonly timeout?: number | undefined;
  /** Milliseconds that a winner goes first, in its network. Default: as long as the program likes. */
  readonly remember?: number | undefined;
}

const optionsSchema: v.GenericSchema<unknown, FirstOfOptions> = v.strictObject({
  routes: v.pipe(routeList, v.description('the routes, each as "use" takes it, the best one first')),
  timeout: v.optional(
    v.pipe(duration, v.description('the time limit for one route (default: what the timeout of the dial allows)')),
  ),
  remember,
});

/**
 * Tries routes one after the other and takes the first that works.
 *
 * Every failure leads on to the next route, a wrong option included: a network card that is not plugged in is one.
 */
export const firstOf: Strategy<FirstOfOptions> = {
  name: 'first-of',
  shorthand: 'routes',
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  async create({ routes, timeout: timeoutMs, remember: keepMs }, host) {
    const chains = await Promise.all(routes.map((use) => host.route(use)));
    return {
      dial(target, context) {
        const winner = winnerOf(chains, target, host, keepMs);
        return host.race(
          lastFirst(chains, winner, context).map((chain) => ({
            label: chain.label,
            open: (inner) => chain.dial(target, inner),
          })),
          {
            of: 'route',
            timeoutMs,
            lost: (failures) => allFailed(`none of ${failures.length} routes works`, failures),
            won: winner.won,
          },
          context,
        );
      },
      // Where one route gives a kernel socket, the dial runs in the process that can pass it. Should another win, core
      // dials again in a relay process. The other way round, every connection would be relayed.
      needsRelay: (target) => chains.every((chain) => chain.needsRelay(target)),
      explain: (target) => explainRoutes(chains, target, host, keepMs),
    };
  },
};
