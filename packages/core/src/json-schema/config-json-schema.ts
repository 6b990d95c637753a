import { configSchema } from '../config/schema.js';
import type { StrategyRegistry } from '../registry.js';
import type { Strategy } from '../strategy.js';
import { fromStandard, fromValibot, type JsonSchema } from './convert.js';

/**
 * The JSON Schema (draft 7) of a config with the strategies of a registry, plugins among them, for editors. Made of the
 * very schemas that validate: what it refuses `fdpass check` refuses too. What needs a look at the whole config (whether a
 * named hop exists, what fits together in a chain) only `fdpass check` can tell.
 */
export function makeConfigJsonSchema(strategies: readonly Strategy[]): JsonSchema {
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

/** The strategies of a registry, loaded. */
export function loadStrategies(registry: StrategyRegistry): Promise<Strategy[]> {
  return Promise.all(registry.entries().map((entry) => registry.load(entry)));
}

/** The JSON Schema of a strategy's options; of one that cannot be known, any mapping. */
export function optionsOf({ name, optionsSchema }: Strategy): JsonSchema {
  const known = optionsSchema && fromStandard(optionsSchema);
  const { $schema, ...schema } = known ?? { type: 'object', additionalProperties: true };
  return { title: `options of ${name}`, ...schema };
}

/** A hop in one word: completed with what is there, and open for names of hops. */
function word(strategies: readonly Strategy[]): JsonSchema {
  const schemes = strategies.flatMap((strategy) => strategy.schemes ?? []);
  return {
    description: 'a strategy, a URL, or the name of a hop',
    anyOf: [
      { enum: strategies.map(({ name }) => name) },
      { type: 'string', pattern: `^(${schemes.map(literally).join('|')}):` },
      { type: 'string', minLength: 1, pattern: '^[^:]+$' },
    ],
  };
}

function literally(text: string): string {
  return text.replace(/[+.]/g, '\\$&');
}

function optionsName({ name }: Strategy): string {
  return `${name}-options`;
}

/** `{ strategy: NAME, ...options }`, and the short form `{ name: options or routes }`. */
function hopForms(strategy: Strategy): JsonSchema[] {
  const options = optionsOf(strategy);
  const long = withStrategy(options, strategy.name);
  const short = strategy.name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const { routes } = (options['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const value = {
    anyOf: [{ $ref: `#/definitions/${optionsName(strategy)}` }, ...(routes === undefined ? [] : [routes])],
  };
  return [long, { type: 'object', properties: { [short]: value }, required: [short], additionalProperties: false }];
}

/** The options with the key that names the strategy beside them. */
function withStrategy(options: JsonSchema, name: string): JsonSchema {
  const strategy = { const: name, description: `the strategy ${name}` };
  const {
    properties = {},
    required = [],
    title,
    ...rest
  } = options as {
    readonly properties?: object;
    readonly required?: readonly string[];
    readonly title?: string;
  };
  return { type: 'object', ...rest, properties: { strategy, ...properties }, required: ['strategy', ...required] };
}
