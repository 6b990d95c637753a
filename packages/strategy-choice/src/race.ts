import {
  allFailed,
  type Candidate,
  type Candidates,
  type Connection,
  delay,
  lastFirst,
  routeSchema,
  type Strategy,
  type StrategyHost,
  whenAborted,
} from '@fdpass/core';
import * as v from 'valibot';
import { explainRoutes, remember, winnerOf } from './winner.js';

/** A route of a race as the schema gives it. */
export interface RaceRoute {
  readonly use: unknown;
  /** Milliseconds after the start of the route before it. Default: the race's stagger; 0 for the first. */
  readonly delay?: number | undefined;
}

/** The options of a `race` hop, as its schema gives them. */
export interface RaceOptions {
  /** The best one first. */
  readonly routes: readonly RaceRoute[];
  /** Milliseconds between two starts. Default 250, as RFC 8305's Connection Attempt Delay. */
  readonly stagger?: number | undefined;
  /** Milliseconds a connection waits for a better route that still runs. Default 0. */
  readonly grace?: number | undefined;
  /** Milliseconds that a winner goes first, in its network. Default: as long as the program likes. */
  readonly remember?: number | undefined;
}

const DEFAULT_STAGGER_MS = 250;

const delayedRoute = v.strictObject({ use: routeSchema, delay: v.optional(delay) });
const plainRoute = v.pipe(
  v.unknown(),
  v.transform((use): RaceRoute => ({ use })),
);

const route: v.GenericSchema<unknown, RaceRoute> = v.pipe(
  v.lazy((input): v.GenericSchema<unknown, RaceRoute> => (isDelayedRoute(input) ? delayedRoute : plainRoute)),
  v.metadata({
    jsonSchema: {
      anyOf: [
        { $ref: '#/definitions/route' },
        {
          type: 'object',
          properties: { use: { $ref: '#/definitions/route' }, delay: { $ref: '#/definitions/delay' } },
          required: ['use'],
          additionalProperties: false,
        },
      ],
    },
  }),
);

/** `{ use: …, delay: … }`; a mapping with "strategy" is a hop, which can have a "use" of its own. */
function isDelayedRoute(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'use' in input && !('strategy' in input);
}

const optionsSchema: v.GenericSchema<unknown, RaceOptions> = v.strictObject({
  routes: v.pipe(
    v.array(route, 'must be a list of routes'),
    v.minLength(1, 'must name at least one route'),
    v.description('the routes, the best one first; { use: ROUTE, delay: 1s } gives one its own start time'),
  ),
  stagger: v.optional(
    v.pipe(delay, v.description('how long a route runs alone before the next one joins it (default 250ms)')),
  ),
  grace: v.optional(
    v.pipe(delay, v.description('how long a connection waits for a better route that is still trying (default 0)')),
  ),
  remember,
});

/** Races routes, the better ones with a head start, and takes the first that works, or a better one within the grace. */
export const race: Strategy<RaceOptions> = {
  name: 'race',
  shorthand: 'routes',
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  async create({ routes, stagger = DEFAULT_STAGGER_MS, grace = 0, remember: keepMs }, host) {
    const chains = await Promise.all(routes.map(({ use }) => host.route(use)));
    const entries = chains.map((chain, index) => ({ chain, label: chain.label, delayMs: routes[index]?.delay }));
    return {
      dial(target, context) {
        const winner = winnerOf(chains, target, host, keepMs);
        const ordered = lastFirst(entries, winner, context);
        const firstDelayMs = ordered === entries ? (entries[0]?.delayMs ?? 0) : 0;
        const candidates = ordered.map(
          ({ chain, label }, index): Candidate<Connection> => ({
            label,
            headStartMs: index + 1 < ordered.length ? (ordered[index + 1]?.delayMs ?? stagger) : 0,
            open: (inner) => chain.dial(target, inner),
          }),
        );
        return host.race(
          startingAfter(firstDelayMs, candidates, host),
          {
            of: 'route',
            graceMs: grace,
            lost: (failures) => allFailed(`none of ${failures.length} routes works`, failures),
            won: winner.won,
          },
          context,
        );
      },
      needsRelay: (target) => chains.every((chain) => chain.needsRelay(target)),
      explain: (target) => explainRoutes(chains, target, host, keepMs),
    };
  },
};

/** The candidates, the first of which has to wait too. */
function startingAfter(
  delayMs: number,
  candidates: readonly Candidate<Connection>[],
  { clock }: StrategyHost,
): Candidates<Connection> {
  let isOpen = delayMs > 0;
  let at = 0;
  return {
    next: () => (isOpen ? undefined : candidates[at++]),
    get isOpen() {
      return isOpen;
    },
    start(changed, context) {
      const cancel = clock.after(delayMs, () => {
        isOpen = false;
        changed();
      });
      whenAborted(context, cancel);
    },
  };
}
