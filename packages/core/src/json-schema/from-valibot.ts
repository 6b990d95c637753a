import * as v from 'valibot';
import type { StandardSchema } from '../strategy/strategy.js';
import { applyAction } from './actions.js';

/** A JSON Schema, draft 7: what editors understand best. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What may be said in a schema's metadata where its structure does not say it. */
interface Hints {
  /** The JSON Schema itself. */
  readonly jsonSchema?: JsonSchema;
  /** One of these, or a list of them. */
  readonly listOf?: v.GenericSchema;
  /** With `listOf`: the list is not empty. */
  readonly atLeastOne?: boolean;
  /** A mapping that is checked for being one first. */
  readonly mapping?: v.GenericSchema;
}

/** The parts of valibot's schemas that structure is read from. */
interface Parts {
  readonly pipe?: readonly (v.GenericSchema | { readonly kind: 'validation' | 'transformation' | 'metadata' })[];
  readonly wrapped?: v.GenericSchema;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
  readonly value?: v.GenericSchema;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly default?: unknown;
}

/**
 * What a value must be before it is converted, as a JSON Schema. What cannot be said in one is left open, and to
 * validation: a schema made of this never refuses what validation takes.
 */
export function fromValibot(schema: v.GenericSchema): JsonSchema {
  const description = v.getDescription(schema);
  const found = 'fallback' in schema ? {} : (hinted(hintsOf(schema)) ?? structural(schema)); // a fallback takes anything
  return { ...found, ...defaultOf(schema), ...(description !== undefined && { description }) };
}

/** A default that can be shown: one that is made by a function cannot. */
function defaultOf(schema: v.GenericSchema): JsonSchema {
  const { default: value } = schema as Parts;
  return ['string', 'number', 'boolean'].includes(typeof value) ? { default: value } : {};
}

/** The metadata of a schema and of the ones it is made of; the outer ones win. */
function hintsOf(schema: v.GenericSchema): Hints {
  const { pipe = [] } = schema as Parts;
  const inner = pipe.filter((item): item is v.GenericSchema => item.kind === 'schema' && item !== schema);
  return Object.assign({}, ...inner.filter((item) => 'pipe' in item).map(hintsOf), v.getMetadata(schema));
}

function hinted({ jsonSchema, listOf, atLeastOne, mapping }: Hints): JsonSchema | undefined {
  if (jsonSchema !== undefined) return jsonSchema;
  if (mapping !== undefined) return fromValibot(mapping);
  if (listOf === undefined) return undefined;
  const item = fromValibot(listOf);
  return { anyOf: [item, { type: 'array', items: item, ...(atLeastOne === true && { minItems: 1 }) }] };
}

function structural(schema: v.GenericSchema): JsonSchema {
  const { pipe } = schema as Parts;
  return pipe === undefined ? plain(schema) : piped(pipe);
}

/** Up to the first conversion: what comes after it is no longer what was written. */
function piped(pipe: NonNullable<Parts['pipe']>): JsonSchema {
  const end = pipe.findIndex((item, index) => index > 0 && (item.kind === 'schema' || item.kind === 'transformation'));
  const [first, ...actions] = pipe.slice(0, end === -1 ? undefined : end);
  const found = { ...fromValibot(first as v.GenericSchema) };
  for (const action of actions)
    if (action.kind === 'validation') Object.assign(found, applyAction(action as never, found));
  return found;
}

function plain(schema: v.GenericSchema): JsonSchema {
  const parts = schema as Parts;
  switch (schema.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return { type: schema.type };
    case 'literal':
      return { const: parts.literal };
    case 'picklist':
    case 'enum':
      return { enum: parts.options };
    case 'union':
    case 'variant':
      return { anyOf: (parts.options as readonly v.GenericSchema[]).map(fromValibot) };
    case 'array':
      return { type: 'array', items: fromValibot(parts.item as v.GenericSchema) };
    case 'record':
      return { type: 'object', additionalProperties: fromValibot(parts.value as v.GenericSchema) };
    case 'object':
    case 'loose_object':
    case 'strict_object':
      return objectOf(parts.entries ?? {}, schema.type === 'strict_object');
    case 'nullish':
    case 'nullable':
      return { anyOf: [fromValibot(parts.wrapped as v.GenericSchema), { type: 'null' }] };
    default:
      return parts.wrapped === undefined ? {} : fromValibot(parts.wrapped);
  }
}

function objectOf(entries: NonNullable<Parts['entries']>, isStrict: boolean): JsonSchema {
  const mayBeMissing = (schema: v.GenericSchema): boolean =>
    /optional|nullish/.test(schema.type) || 'fallback' in schema;
  const required = Object.entries(entries).flatMap(([key, schema]) => (mayBeMissing(schema) ? [] : [key]));
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(entries).map(([key, schema]) => [key, fromValibot(schema)])),
    ...(required.length > 0 && { required }),
    ...(isStrict && { additionalProperties: false }),
  };
}

/** Standard JSON Schema (https://standardschema.dev/json-schema), which newer versions of schema libraries implement. */
interface StandardJsonSchema {
  readonly input: (options: { readonly target: 'draft-07' }) => JsonSchema;
}

/**
 * The JSON Schema of a strategy's options: from the schema's own library where it can tell, by its structure if that is
 * valibot's, else undefined. `place` is where it will stand, as a reference: a library's references start from its own root.
 */
export function fromStandard(schema: StandardSchema, place: string): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchema['~standard'] & { readonly jsonSchema?: StandardJsonSchema };
  try {
    const told = standard.jsonSchema?.input({ target: 'draft-07' });
    if (told !== undefined) return movedTo(place, told) as JsonSchema;
    return standard.vendor === 'valibot' ? fromValibot(schema as unknown as v.GenericSchema) : undefined;
  } catch {
    return undefined; // libraries throw for what JSON Schema cannot say
  }
}

/** A schema whose references into itself hold where it stands now. */
function movedTo(place: string, part: unknown): unknown {
  if (Array.isArray(part)) return part.map((item) => movedTo(place, item));
  if (typeof part !== 'object' || part === null) return part;
  const moved = Object.entries(part).map(([key, value]) =>
    key === '$ref' && typeof value === 'string' && value.startsWith('#')
      ? [key, `${place}${value.slice(1)}`]
      : [key, movedTo(place, value)],
  );
  return Object.fromEntries(moved);
}
