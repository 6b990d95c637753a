import { FdpassError } from '../ground/errors.js';
import { hintAtKnown, isHeaderName, MASK, quoteUnknown, withoutReceived } from '../ground/shown.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { isLazySchema, loadSchema, type SchemaIssue, type Strategy } from '../strategy/strategy.js';
import type { Hop } from './hop.js';
import { type JsonSchema, propertiesOf } from './show-hops.js';

/**
 * The options of a hop, checked and converted by its strategy's schema, and frozen.
 *
 * @throws FdpassError `config` that says which options are wrong, and repeats no value.
 */
export async function checkOptions(strategy: Strategy, hop: Hop, registry: StrategyRegistry): Promise<unknown> {
  const { options, entry } = hop;
  const isEmpty = Object.keys(options).length === 0;
  const schema = isEmpty && isLazySchema(strategy.optionsSchema) ? undefined : await loadSchema(strategy);
  if (schema === undefined) return Object.freeze({ ...options });
  const result = await schema['~standard'].validate(options);
  if (result.issues === undefined) return freezeDeep(result.value);
  const { optionsJsonSchema } = await import('../json-schema/json-schema.js');
  const known = await optionsJsonSchema(entry, registry);
  throw new FdpassError('config', result.issues.map((issue) => describeIssue(issue, options, known)).join('; '), {
    hint: `see: fdpass strategies ${strategy.name}`,
  });
}

/**
 * What is wrong, in the words of the schema. Validators like to repeat what they were given: what they have received is cut
 * off, and a message that has something in it that the user wrote is replaced.
 */
function describeIssue({ path = [], message }: SchemaIssue, options: unknown, known: JsonSchema): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  const { value, schema, shown, stray } = follow(keys, options, known);
  const place = shown.length === 0 ? '' : `option ${JSON.stringify(shown.join('.'))}: `;
  const words = withoutReceived(message);
  const isRepeating = writtenWords(value, known).some((word) => isIn(words, word));
  const unknown = stray ?? (isRepeating ? strayKey(value, schema) : undefined);
  if (unknown !== undefined) return `${place}${describeUnknown(unknown, schema)}`;
  return `${place}${isRepeating ? 'is not valid' : words}`;
}

function describeUnknown(key: string, schema: JsonSchema | undefined): string {
  const names = Object.keys(propertiesOf(schema));
  return `there is no ${quoteUnknown(key, names, 'option of this name')}; ${hintAtKnown(key, names)}`;
}

/** Where an issue is. */
interface IssuePlace {
  /** What was written there, and what its schema is if that is known. */
  readonly value: unknown;
  readonly schema: JsonSchema | undefined;
  /** The path, as far as it can be shown. */
  readonly shown: readonly string[];
  /** The key that the schema does not have, if the path leads to one. */
  readonly stray?: string;
}

/** Follows a path. Keys are shown if the schema knows them, or if they are missing: then it is the schema that names them. */
function follow(keys: readonly PropertyKey[], options: unknown, root: JsonSchema): IssuePlace {
  const shown: string[] = [];
  let value: unknown = options;
  let schema: JsonSchema | undefined = root;
  for (const key of keys) {
    const name = String(key);
    const isWritten = Object.hasOwn(Object(value), key);
    const next: JsonSchema | undefined = schemaOfKey(schema, name);
    if (isWritten && next === undefined && hasProperties(schema)) return { value, schema, shown, stray: name };
    shown.push(!isWritten || next !== undefined || Array.isArray(value) ? name : MASK);
    value = (Object(value) as Record<PropertyKey, unknown>)[key];
    schema = next;
  }
  return { value, schema, shown };
}

/** The first key of a mapping that its schema does not have. */
function strayKey(value: unknown, schema: JsonSchema | undefined): string | undefined {
  if (!hasProperties(schema)) return undefined;
  return Object.keys(Object(value)).find((key) => schemaOfKey(schema, key) === undefined);
}

function hasProperties(schema: JsonSchema | undefined): boolean {
  return schema !== undefined && 'properties' in schema;
}

/** The schema of what a key leads to, undefined if the schema does not say. */
function schemaOfKey(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  const properties = propertiesOf(schema);
  if (Object.hasOwn(properties, key)) return properties[key];
  const { additionalProperties: others, items } = schema ?? {};
  if (typeof others === 'object' && isHeaderName(key)) return others as JsonSchema;
  return typeof items === 'object' && /^\d+$/.test(key) ? (items as JsonSchema) : undefined;
}

/** Every text in a value, and every key that is not one of the schema's own. */
function writtenWords(value: unknown, known: JsonSchema): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? [] : Object.keys(value).filter((key) => !Object.hasOwn(propertiesOf(known), key));
  return [...keys, ...Object.values(value).flatMap((item) => writtenWords(item, known))];
}

/** Whether a word is in a text by itself, and not only a part of another word. */
function isIn(text: string, word: string): boolean {
  const isLetter = (character = ''): boolean => /\w/.test(character);
  for (let at = text.indexOf(word); at !== -1 && word !== ''; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return true;
  }
  return false;
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
}
