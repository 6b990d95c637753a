import type { StrategyRegistry } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';
import type { JsonSchema } from './from-valibot.js';

export type { JsonSchema } from './from-valibot.js';

/**
 * The JSON Schema (draft 7) of a config in which the strategies of `registry` may be named, for editors. Loads them all.
 * It comes from the schemas that validate configs; a strategy whose schema cannot be told has open options.
 */
export async function configJsonSchema(registry: StrategyRegistry): Promise<JsonSchema> {
  const { loadStrategies, makeConfigJsonSchema } = await import('./config-schema.js');
  return makeConfigJsonSchema(await loadStrategies(registry));
}

/** The JSON Schema of one strategy's options: any mapping where it cannot be told. Loads the strategy. */
export async function optionsJsonSchema(entry: StrategyEntry, registry: StrategyRegistry): Promise<JsonSchema> {
  const { loadStrategy, optionsOf } = await import('./config-schema.js');
  return optionsOf(await loadStrategy(entry, registry));
}
