import { configSchema } from '../config/schema.js';
import { dialSettings } from '../options/dial-settings.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { loadSchema, type StandardSchema, type Strategy, type StrategyEntry } from '../strategy/strategy.js';
import { fromStandard, fromValibot, type JsonSchema } from './from-valibot.js';

/**
 * The JSON Schema (draft 7) of a config with the strategies of a registry, including plugins, for editors. It is derived from
 * the schemas that validate: `fdpass check` refuses everything that it refuses. Only `fdpass check` finds errors that need the
 * whole config (a hop that does not exist, hops in the wrong order).
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
      delay: {
        description: '250ms or 1s; a number needs its unit',
        anyOf: [{ type: 'string', pattern: '^\\s*(\\d+(\\.\\d+)?(ms|s|m|h)|0+(\\.0+)?)\\s*$' }, { const: 0 }],
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
      ...Object.fromEntries(strategies.map((strategy) => [optionsName(strategy), withSettings(optionsOf(strategy))])),
    },
  };
}

/** A strategy with its schema loaded. */
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

/** A hop in one word: editors complete names of strategies, and any name of a hop is allowed. */
function word(strategies: readonly LoadedStrategy[]): JsonSchema {
  const schemes = strategies.flatMap((strategy) => strategy.schemes ?? []);
  return {
    description: 'a strategy, a URL, or the name of a hop',
    anyOf: [
      { enum: strategies.map(({ name }) => name) },
      { type: 'string', pattern: `^(${schemes.map(inAnyCase).join('|')}):` },
      { type: 'string', minLength: 1, pattern: '^(?![a-zA-Z][a-zA-Z0-9+.-]*://)' }, // names of hops can have a colon
    ],
  };
}

/** Patterns in JSON Schema do not have a flag for it. */
function inAnyCase(scheme: string): string {
  return scheme.replace(/[+.]/g, '\\$&').replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** The name of the definition of a strategy's options. */
function optionsName({ name }: Pick<LoadedStrategy, 'name'>): string {
  return `${name}-options`;
}

/** The JSON Schema of a strategy's options, as that definition; any mapping if its schema cannot be converted. */
export function optionsOf(strategy: LoadedStrategy): JsonSchema {
  const { name, optionsSchema } = strategy;
  const known = optionsSchema && fromStandard(optionsSchema, `#/definitions/${optionsName(strategy)}`);
  const { $schema, $id, ...schema } = known ?? { type: 'object', additionalProperties: true };
  return { title: `options of ${name}`, ...schema };
}

/** `{ strategy: NAME, ...options }`, and the short form `{ name: options or routes }` in both spellings of the name. */
function hopForms(strategy: LoadedStrategy): JsonSchema[] {
  const { name } = strategy;
  const options = optionsOf(strategy);
  const value = {
    anyOf: [{ $ref: `#/definitions/${optionsName(strategy)}` }, ...inPlaceOf(strategy.shorthand, options)],
  };
  const camel = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const properties = { [camel]: value, ...settings };
  const short = { type: 'object', properties, required: [camel], additionalProperties: false };
  return [withStrategy(options, name), short, ...(camel === name ? [] : [dashed(name, value)])];
}

/** Keys of core's own, which any hop can have. */
const settings = settingsJsonSchema()['properties'] as Readonly<Record<string, JsonSchema>>;

/** The options of a strategy, or core's own keys beside them. */
export function withSettings(options: JsonSchema): JsonSchema {
  return withKeys(options, settings);
}

/** What the short form accepts instead of options: a value that is not a mapping is the option named by `shorthand`. */
function inPlaceOf(shorthand: string | undefined, { properties }: JsonSchema): JsonSchema[] {
  if (shorthand === undefined) return [];
  const option = ((properties ?? {}) as Readonly<Record<string, JsonSchema>>)[shorthand];
  return [option ?? { not: { type: 'object' } }];
}

/** As a pattern, because editors offer what is in `properties`, where one spelling is enough. */
function dashed(name: string, value: JsonSchema): JsonSchema {
  return {
    type: 'object',
    patternProperties: { [`^${name}$`]: value },
    properties: settings,
    required: [name],
    additionalProperties: false,
  };
}

/** The options with the key that names the strategy beside them, and core's own. */
function withStrategy(options: JsonSchema, name: string): JsonSchema {
  const { title, definitions, $defs, required = [], ...rest } = options;
  const strategy = { const: name, description: `the strategy ${name}` };
  return {
    type: 'object',
    ...withKeys(rest, { ...settings, strategy }),
    required: ['strategy', ...(required as readonly string[])],
  };
}

/** A mapping with further keys, which come last and win. */
function withKeys(mapping: JsonSchema, keys: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const open = besides(mapping, keys);
  return { ...open, properties: { ...(open['properties'] as object | undefined), ...keys } };
}

/**
 * What a mapping must be if these keys are among its own, also in the branches of a union, each of which can forbid other keys.
 * Rules that count keys, and references, are left to validation.
 */
function besides(mapping: JsonSchema, keys: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const { $ref, propertyNames, minProperties, maxProperties, anyOf, oneOf, allOf, ...rest } = mapping;
  if ($ref !== undefined) return {};
  const allowed = Object.fromEntries(Object.keys(keys).map((key) => [key, {}]));
  const each = (list: unknown): JsonSchema[] => (list as readonly JsonSchema[]).map((branch) => besides(branch, keys));
  return {
    ...rest,
    ...(rest['additionalProperties'] !== undefined && {
      properties: { ...allowed, ...(rest['properties'] as object) },
    }),
    ...((anyOf ?? oneOf) !== undefined && { anyOf: each(anyOf ?? oneOf) }),
    ...(allOf !== undefined && { allOf: each(allOf) }),
  };
}

/** The JSON Schema of core's own keys, which rules and hops can have. */
export function settingsJsonSchema(): JsonSchema {
  return fromValibot(dialSettings);
}
