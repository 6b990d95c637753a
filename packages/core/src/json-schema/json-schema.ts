import type { StrategyRegistry } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';
import type { JsonSchema } from './from-valibot.js';

export type { JsonSchema } from './from-valibot.js';

/**
 * The JSON Schema (draft 7) of a config that can name the strategies of `registry`, for editors. Loads all of them. It is
 * derived from the schemas that validate configs. A strategy whose schema cannot be converted accepts any options.
 */
export async function configJsonSchema(registry: StrategyRegistry): Promise<JsonSchema> {
  const { loadStrategies, makeConfigJsonSchema } = await import('./config-schema.js');
  return makeConfigJsonSchema(await loadStrategies(registry));
}

/** The JSON Schema of one strategy's options: any mapping if its schema cannot be converted. Loads the strategy. */
export async function optionsJsonSchema(entry: StrategyEntry, registry: StrategyRegistry): Promise<JsonSchema> {
  const { loadStrategy, optionsOf } = await import('./config-schema.js');
  return optionsOf(await loadStrategy(entry, registry));
}

/** The same with the keys of core's own that the mapping of a hop can have as well. */
export async function hopJsonSchema(entry: StrategyEntry, registry: StrategyRegistry): Promise<JsonSchema> {
  const { loadStrategy, optionsOf, withSettings } = await import('./config-schema.js');
  return withSettings(optionsOf(await loadStrategy(entry, registry)));
}
