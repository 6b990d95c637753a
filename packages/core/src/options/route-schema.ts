import * as v from 'valibot';

/** The schema of a `use` value nested in a strategy's options; `StrategyHost.route` compiles it, and says what is wrong with it. */
export const routeSchema: v.GenericSchema<unknown> = v.pipe(
  v.unknown(),
  v.metadata({ jsonSchema: { $ref: '#/definitions/route' } }),
);
