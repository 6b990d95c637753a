import { configSchema } from '../config/schema.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { loadSchema, type StandardSchema, type Strategy, type StrategyEntry } from '../strategy/strategy.js';
import { fromValibot, type JsonSchema } from './from-valibot.js';
import { hopForms, optionsName, optionsOf } from './hop-forms.js';

export { optionsOf } from './hop-forms.js';

/**
 * The JSON Schema (draft 7) of a config with the strategies of a registry, plugins among them, for editors. Made of the
 * very schemas that validate: what it refuses `fdpass check` refuses too. What needs a look at the whole config (whether a
 * named hop exists, what fits together in a chain) only `fdpass check` can tell.
 */
export function makeConfigJsonSchema(strategies: readonly LoadedStrategy[]): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'fdpass configuration',
    ...fromValibot(configSchema),
    definitions: {
      duration: {
        description: '250ms, 30s, 2m, 1h; a plain number is seconds',
        anyOf: [
          { type: 'string', pattern: '^\\s*\\d+(\\.\\d+)?(ms|s|m|h)?\\s*$' },
          { type: 'number', minimum: 0 },
        ],
      },
      route: {
        anyOf: [
          word(strategies),
          {
            type: 'array',
            minItems: 1,
            items: { $ref: '#/definitions/route' },
            description: 'a chain, in travel order',
          },
          { $ref: '#/definitions/hop' },
        ],
      },
      hop: { anyOf: strategies.flatMap(hopForms) },
      ...Object.fromEntries(strategies.map((strategy) => [optionsName(strategy), optionsOf(strategy)])),
    },
  };
}

/** A strategy whose schema is there to look at. */
export type LoadedStrategy = Omit<Strategy, 'optionsSchema'> & { readonly optionsSchema?: StandardSchema | undefined };

/** The strategies of a registry, loaded. */
export function loadStrategies(registry: StrategyRegistry): Promise<LoadedStrategy[]> {
  return Promise.all(registry.entries().map((entry) => loadStrategy(entry, registry)));
}

/** A strategy and its schema, loaded. */
export async function loadStrategy(entry: StrategyEntry, registry: StrategyRegistry): Promise<LoadedStrategy> {
  const strategy = await registry.load(entry);
  return { ...strategy, optionsSchema: await loadSchema(strategy) };
}

/** A hop in one word: completed with what is there, and open for names of hops. */
function word(strategies: readonly LoadedStrategy[]): JsonSchema {
  const schemes = strategies.flatMap((strategy) => strategy.schemes ?? []);
  return {
    description: 'a strategy, a URL, or the name of a hop',
    anyOf: [
      { enum: strategies.map(({ name }) => name) },
      { type: 'string', pattern: `^(${schemes.map(inAnyCase).join('|')}):` },
      { type: 'string', minLength: 1, pattern: '^(?![a-zA-Z][a-zA-Z0-9+.-]*://)' }, // hops may have a colon in their names
    ],
  };
}

/** JSON Schema's patterns have no flag for it. */
function inAnyCase(scheme: string): string {
  return scheme.replace(/[+.]/g, '\\$&').replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
