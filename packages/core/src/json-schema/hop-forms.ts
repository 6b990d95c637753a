import type { LoadedStrategy } from './config-schema.js';
import { fromStandard, type JsonSchema } from './from-valibot.js';

/** The name of the definition of a strategy's options. */
export function optionsName({ name }: Pick<LoadedStrategy, 'name'>): string {
  return `${name}-options`;
}

/** The JSON Schema of a strategy's options, as that definition; of one that cannot be known, any mapping. */
export function optionsOf(strategy: LoadedStrategy): JsonSchema {
  const { name, optionsSchema } = strategy;
  const known = optionsSchema && fromStandard(optionsSchema, `#/definitions/${optionsName(strategy)}`);
  const { $schema, $id, ...schema } = known ?? { type: 'object', additionalProperties: true };
  return { title: `options of ${name}`, ...schema };
}

/** `{ strategy: NAME, ...options }`, and the short form `{ name: options or routes }` in both spellings of the name. */
export function hopForms(strategy: LoadedStrategy): JsonSchema[] {
  const { name } = strategy;
  const options = optionsOf(strategy);
  const value = {
    anyOf: [{ $ref: `#/definitions/${optionsName(strategy)}` }, ...inPlaceOf(strategy.shorthand, options)],
  };
  const camel = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const short = { type: 'object', properties: { [camel]: value }, required: [camel], additionalProperties: false };
  return [withStrategy(options, name), short, ...(camel === name ? [] : [dashed(name, value)])];
}

/** What can be written in the short form in place of options: a value that is not a mapping is the shorthand's option. */
function inPlaceOf(shorthand: string | undefined, { properties }: JsonSchema): JsonSchema[] {
  if (shorthand === undefined) return [];
  const option = ((properties ?? {}) as Readonly<Record<string, JsonSchema>>)[shorthand];
  return [option ?? { not: { type: 'object' } }];
}

/** As a pattern, because editors take what they offer from `properties`: there one spelling is enough. */
function dashed(name: string, value: JsonSchema): JsonSchema {
  return {
    type: 'object',
    patternProperties: { [`^${name}$`]: value },
    minProperties: 1,
    additionalProperties: false,
  };
}

/** The options with the key that names the strategy beside them. */
function withStrategy(options: JsonSchema, name: string): JsonSchema {
  const { title, definitions, $defs, required = [], ...rest } = options;
  const open = besideStrategy(rest);
  const strategy = { const: name, description: `the strategy ${name}` };
  const properties = { ...(open['properties'] as object | undefined), strategy };
  return { type: 'object', ...open, properties, required: ['strategy', ...(required as readonly string[])] };
}

/**
 * What options must be where the key that names the strategy stands among them: also in the branches of a union, each of
 * which may allow no other key. What counts keys or stands elsewhere is left to validation.
 */
function besideStrategy(options: JsonSchema): JsonSchema {
  const { $ref, propertyNames, minProperties, maxProperties, anyOf, oneOf, allOf, ...rest } = options;
  if ($ref !== undefined) return {};
  const each = (list: unknown): JsonSchema[] => (list as readonly JsonSchema[]).map(besideStrategy);
  return {
    ...rest,
    ...(rest['additionalProperties'] !== undefined && {
      properties: { strategy: {}, ...(rest['properties'] as object) },
    }),
    ...((anyOf ?? oneOf) !== undefined && { anyOf: each(anyOf ?? oneOf) }),
    ...(allOf !== undefined && { allOf: each(allOf) }),
  };
}
