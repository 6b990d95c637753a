import * as v from 'valibot';
import type { StandardSchema } from '../strategy/strategy.js';

/** A JSON Schema, draft 7, which editors support best. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a schema's metadata says if its structure does not. */
interface Hints {
  /** The JSON Schema itself. */
  readonly jsonSchema?: JsonSchema;
  /** One of these, or a list of them. */
  readonly listOf?: v.GenericSchema;
  /** With `listOf`: the list is not empty. */
  readonly atLeastOne?: boolean;
  /** A mapping, behind a check that the value is one. */
  readonly mapping?: v.GenericSchema;
  /** One of these, by the type of the value. */
  readonly byType?: readonly v.GenericSchema[];
}

/** The parts of valibot's schemas that hold their structure. */
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
 * What a value must be before it is converted, as a JSON Schema. It allows everything that JSON Schema cannot express, so it
 * never refuses a value that validation accepts.
 */
export function fromValibot(schema: v.GenericSchema): JsonSchema {
  const description = v.getDescription(schema);
  const found = 'fallback' in schema ? {} : (hinted(hintsOf(schema)) ?? structural(schema)); // a fallback accepts anything
  return { ...found, ...defaultOf(schema), ...(description !== undefined && { description }) };
}

/** A default, unless a function makes it. */
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

function hinted({ jsonSchema, listOf, atLeastOne, mapping, byType }: Hints): JsonSchema | undefined {
  if (jsonSchema !== undefined) return jsonSchema;
  if (byType !== undefined) return { anyOf: byType.map(fromValibot) };
  if (mapping !== undefined) return fromValibot(mapping);
  if (listOf === undefined) return undefined;
  const item = fromValibot(listOf);
  return { anyOf: [item, { type: 'array', items: item, ...(atLeastOne === true && { minItems: 1 }) }] };
}

function structural(schema: v.GenericSchema): JsonSchema {
  const { pipe } = schema as Parts;
  return pipe === undefined ? plain(schema) : piped(pipe);
}

/** Up to the first conversion: later steps no longer see what the user wrote. */
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

/** A check in a valibot pipe, and what it requires. */
interface Action {
  readonly type: string;
  readonly requirement?: unknown;
}

/** What a check adds to the JSON Schema of the value it checks; nothing if JSON Schema cannot say it. */
function applyAction({ type, requirement }: Action, { type: of }: JsonSchema): JsonSchema {
  const isList = of === 'array';
  switch (type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return typeof requirement === 'number' && isNumber(of) ? { minimum: requirement } : {};
    case 'max_value':
      return typeof requirement === 'number' && isNumber(of) ? { maximum: requirement } : {};
    case 'min_length':
      return { [isList ? 'minItems' : 'minLength']: requirement };
    case 'max_length':
      return { [isList ? 'maxItems' : 'maxLength']: requirement };
    case 'non_empty':
      return { [isList ? 'minItems' : 'minLength']: 1 };
    case 'regex':
      return patternOf(requirement as RegExp);
    default:
      return {};
  }
}

/** A duration is checked in milliseconds, but not written as a number of them. */
function isNumber(type: unknown): boolean {
  return type === 'number' || type === 'integer';
}

/** Patterns in JSON Schema do not have flags. */
function patternOf({ source, flags }: RegExp): JsonSchema {
  return flags.replace(/[gyd]/g, '') === '' ? { pattern: source } : {};
}

function objectOf(entries: NonNullable<Parts['entries']>, isStrict: boolean): JsonSchema {
  const isOptional = (schema: v.GenericSchema): boolean => /optional|nullish/.test(schema.type) || 'fallback' in schema;
  const required = Object.entries(entries).flatMap(([key, schema]) => (isOptional(schema) ? [] : [key]));
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
 * The JSON Schema of a strategy's options: from the schema's own library if that supports it, from the structure of a valibot
 * schema, or else undefined.
 *
 * @param place Where it will be, as a reference: the references of a library start from its own root.
 */
export function fromStandard(schema: StandardSchema, place: string): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchema['~standard'] & { readonly jsonSchema?: StandardJsonSchema };
  try {
    const given = standard.jsonSchema?.input({ target: 'draft-07' });
    if (given !== undefined) return movedTo(place, given) as JsonSchema;
    return standard.vendor === 'valibot' ? fromValibot(schema as unknown as v.GenericSchema) : undefined;
  } catch {
    return undefined; // libraries throw for what JSON Schema cannot express
  }
}

/** A schema with its references to itself moved to where it is now. */
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
