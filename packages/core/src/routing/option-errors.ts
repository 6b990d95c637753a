import { SETTING_KEYS } from '../dial/settings.js';
import { FdpassError, foldErrors, type Locate, type PlacePart, type ValuePath } from '../ground/errors.js';
import { isMapping, MASK, withoutReceived } from '../ground/shown.js';
import { didYouMean } from '../ground/text.js';
import { PASSWORD_SOURCES } from '../proxy/schema.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import type { SchemaIssue } from '../strategy/strategy.js';
import { expectedWords, wordsOf } from './expected-words.js';
import type { Hop } from './hop.js';
import { formsOf, type JsonSchema, propertiesOf, schemaOfKey } from './show-hops.js';

/*
 * What is wrong with the options of a hop, in words for the person who wrote them. The strategy's schema finds it, in the
 * words of its library. What its JSON Schema tells as well (unknown and missing keys, values of the wrong type) is said in
 * our words, so that all strategies sound alike. No value is repeated.
 */

/** One thing that is wrong. */
interface Problem {
  readonly path: ValuePath;
  /** What of it is wrong. Default: the value. */
  readonly part?: PlacePart | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A place in the options: what is written there, and what belongs there. */
interface Spot {
  readonly path: ValuePath;
  readonly value: unknown;
  /** Undefined if no schema says. */
  readonly schema: JsonSchema | undefined;
  /** The path, as far as it can be shown. */
  readonly shown: readonly string[];
}

/** A place of which the library says something. */
interface Finding extends Spot {
  /** Without what was received. */
  readonly message: string;
}

/** What was written, and what it should have been. */
export interface RefusedValues {
  readonly values: unknown;
  readonly schema: JsonSchema;
  readonly locate?: ((path: ValuePath, part?: PlacePart) => ReturnType<Locate> | undefined) | undefined;
  /** What to try where the problem itself does not say. */
  readonly hint?: string | undefined;
}

/** @throws FdpassError `config`, always: one for each option that is wrong, at its own place, folded into one. */
export async function refuseOptions(
  issues: readonly SchemaIssue[],
  { entry, options, place }: Hop,
  registry: StrategyRegistry,
): Promise<never> {
  const { optionsJsonSchema } = await import('../json-schema/json-schema.js');
  const schema = await optionsJsonSchema(entry, registry);
  return refuseValues(issues, {
    values: options,
    schema,
    locate: place.locate,
    hint: `see: fdpass strategies ${entry.name}`,
  });
}

/** The same for a mapping that no strategy has. */
export async function refuseValues(
  issues: readonly SchemaIssue[],
  { values, schema, locate, hint: otherwise }: RefusedValues,
): Promise<never> {
  const root = follow([], values, schema);
  const errors = problemsOf(issues, root).map(async ({ path, part, message, hint = otherwise }) => {
    const where = await locate?.(path, part);
    return new FdpassError('config', message, { where, hint });
  });
  throw foldErrors(await Promise.all(errors));
}

function problemsOf(issues: readonly SchemaIssue[], root: Spot): Problem[] {
  const findings = issues.map(({ path = [], message }): Finding => {
    const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
    const subject = `${keys.join('.')} `; // arktype begins with it, and so do we
    const words = message.startsWith(subject) ? message.slice(subject.length) : message;
    return { ...spotIn(root, keys.map(asKey)), message: withoutReceived(words) };
  });
  const around = findings.flatMap(({ path }) => [path, path.slice(0, -1)]);
  const mappings = new Map(around.map((path) => [keyOf(path), spotIn(root, path)]));
  const ofKeys = [...mappings.values()].flatMap((mapping) => keyProblems(mapping, findings));
  const isSaid = (finding: Finding): boolean =>
    ofKeys.some(({ path }) => keyOf(path) === keyOf(finding.path) || names(finding, path));
  return [...ofKeys, ...findings.filter((finding) => !isSaid(finding)).map(describe)];
}

function asKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}

function keyOf(path: ValuePath): string {
  return JSON.stringify(path.map(String));
}

/** Whether a finding about a mapping is about this key in it. */
function names({ path, message }: Finding, [...parent]: ValuePath): boolean {
  const key = parent.pop();
  return key !== undefined && keyOf(path) === keyOf(parent) && isIn(message, String(key));
}

function spotIn({ value, schema }: Spot, path: ValuePath): Spot {
  return follow(path, value, schema);
}

/** Follows a path. Keys are shown if the schema knows them, or if they are missing: then it is the schema that names them. */
function follow(path: ValuePath, options: unknown, root: JsonSchema | undefined): Spot {
  const shown: string[] = [];
  let value = options;
  let schema = root;
  for (const key of path) {
    const isWritten = Object.hasOwn(Object(value), key);
    schema = schemaOfKey(schema, String(key));
    shown.push(!isWritten || schema !== undefined || Array.isArray(value) ? String(key) : MASK);
    value = (Object(value) as Record<PropertyKey, unknown>)[key];
  }
  return { path, value, schema, shown };
}

/** The form of a schema that is a mapping with known keys. */
function mappingForm(schema: JsonSchema | undefined): JsonSchema | undefined {
  return formsOf(schema ?? {}).find((form) => 'properties' in form);
}

/** Keys that a mapping does not have and keys that it needs: all of them, where libraries report the first. */
function keyProblems(spot: Spot, findings: readonly Finding[]): Problem[] {
  const form = mappingForm(spot.schema);
  if (form === undefined || !isMapping(spot.value)) return [];
  const { additionalProperties, required = [] } = form;
  const { value, path } = spot;
  const isRefused = (key: string): boolean =>
    additionalProperties === false ||
    findings.some((finding) => keyOf(finding.path) === keyOf([...path, key]) || names(finding, [...path, key]));
  const known = propertiesOf(form);
  const strays = Object.keys(value).filter((key) => !Object.hasOwn(known, key) && isRefused(key));
  const missing = (required as readonly string[]).filter((key) => !Object.hasOwn(value, key));
  return [
    ...strays.map((key) => unknownKey(key, spot, Object.keys(known))),
    ...missing.map((key) => missingKey(key, spot, known[key])),
  ];
}

function unknownKey(key: string, { path, shown }: Spot, known: readonly string[]): Problem {
  const at: ValuePath = [...path, key];
  const source = passwordHint(key, known);
  if (source !== undefined)
    return { path: at, part: 'key', message: 'a password cannot be written in a config', hint: source };
  const hint = didYouMean(key, path.length === 0 ? [...known, ...SETTING_KEYS] : known);
  const message = `unknown option${hint === undefined ? '' : ` ${JSON.stringify(key)}`}${inside(shown)}`;
  if (hint !== undefined) return { path: at, part: 'key', message, hint };
  return { path: at, part: UNKNOWN, message, hint: `use one of: ${known.join(', ')}` }; // it can be a secret in the wrong place
}

function missingKey(key: string, { path, shown }: Spot, schema: JsonSchema | undefined): Problem {
  const { description } = schema ?? {};
  const what = typeof description === 'string' ? `: ${description}` : '';
  return { path: [...path, key], message: `${JSON.stringify(key)} is missing${inside(shown)}${what}` };
}

function inside(shown: readonly string[]): string {
  return shown.length === 0 ? '' : ` in ${JSON.stringify(shown.join('.'))}`;
}

const PASSWORD = /^(?:pass(?:word|wd|phrase)?|pw|secret|token)$/i;

/** Where a password can come from, for somebody who has written it down. */
function passwordHint(key: string, known: readonly string[]): string | undefined {
  if (!PASSWORD.test(key)) return undefined;
  const sources = `${PASSWORD_SOURCES.slice(0, -1).join(', ')} or ${PASSWORD_SOURCES.at(-1)}`;
  if (known.some((name) => PASSWORD_SOURCES.includes(name))) return `name where it comes from: ${sources}`;
  return known.includes('credentials') ? `name where it comes from, under "credentials": ${sources}` : undefined;
}

function describe({ path, value, schema, shown, message }: Finding): Problem {
  const at = shown.includes(MASK) ? { path: path.slice(0, shown.indexOf(MASK) + 1), part: UNKNOWN } : { path };
  const option = shown.length === 0 ? '' : `option ${JSON.stringify(shown.join('.'))}: `;
  const expected = OF_LIBRARY.test(message) ? expectedWords(value, schema) : undefined;
  const hint = expected !== undefined && typeof value === 'string' ? didYouMean(value, wordsOf(schema)) : undefined;
  if (expected !== undefined) return { ...at, message: `${option}must be ${expected}`, hint };
  const isRepeating = writtenWords(value, schema).some((word) => isIn(message, word));
  return { ...at, message: `${option}${isRepeating ? 'is not valid' : message}` };
}

const UNKNOWN: PlacePart = 'unknown-key';

/** How valibot and zod begin what they say where a schema has no words of its own. */
const OF_LIBRARY = /^(?:Invalid|Too (?:big|small)|Required)\b/;

/** Every text in a value, and every key that is not one of the schema's own. */
function writtenWords(value: unknown, schema: JsonSchema | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? [] : Object.keys(value).filter((key) => schemaOfKey(schema, key) === undefined);
  const inner = Object.entries(value).flatMap(([key, item]) => writtenWords(item, schemaOfKey(schema, key)));
  return [...keys, ...inner];
}

/** Whether a word is in a text by itself, and not only a part of another word. */
function isIn(text: string, word: string): boolean {
  const isLetter = (character = ''): boolean => /\w/.test(character);
  for (let at = text.indexOf(word); at !== -1 && word !== ''; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return true;
  }
  return false;
}
