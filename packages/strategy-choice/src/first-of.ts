import { type Dialer, duration, routeSchema, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { tryInOrder } from './in-order.js';
import { routeLabel } from './label.js';

/** The options of a `first-of` hop, as its schema gives them. */
export interface FirstOfOptions {
  /** `use` values, the best one first. */
  readonly routes: readonly unknown[];
  /** Milliseconds for each route. Default: no limit but that of the whole dial. */
  readonly timeout?: number | undefined;
}

const optionsSchema: v.GenericSchema<unknown, FirstOfOptions> = v.strictObject({
  routes: v.pipe(
    v.array(routeSchema, 'must be a list of routes'),
    v.minLength(1, 'must name at least one route'),
    v.description('the routes, each as "use" takes it, the best one first'),
  ),
  timeout: v.optional(
    v.pipe(duration, v.description('the most one route may take (default: what the timeout of the dial allows)')),
  ),
});

/**
 * Tries routes one after the other and takes the first that works.
 *
 * Every failure, a wrong option among them, leads on to the next route: a network card that is not plugged in is one.
 */
export const firstOf: Strategy<FirstOfOptions> = {
  name: 'first-of',
  optionsSchema,
  create({ routes, timeout }, _, host) {
    const ways = routes.map((use) => ({ label: routeLabel(use), dialer: host.route(use) }));
    return {
      dial: (target, context) =>
        tryInOrder(
          {
            what: 'routes',
            timeoutMs: timeout,
            ways: ways.map(({ label, dialer }) => ({ label, open: (inner) => dialer.dial(target, inner) })),
          },
          context,
        ),
      get needsRelay() {
        return allNeedRelay(ways.map(({ dialer }) => dialer));
      },
    };
  },
};

/**
 * Whether no route gives a kernel socket. Where one does, the dial runs in the process that can pass it; should another
 * win, core dials again in a relay process. The other way round, every connection would be relayed.
 */
export function allNeedRelay(dialers: readonly Dialer[]): boolean {
  return dialers.every((dialer) => dialer.needsRelay === true);
}
