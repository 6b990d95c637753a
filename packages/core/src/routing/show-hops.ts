import { tosByte } from '../connection/socket-options.js';
import { isSettingKey } from '../dial/settings.js';
import { parseDuration } from '../ground/clock.js';
import type { ValuePath } from '../ground/errors.js';
import {
  isHeaderName,
  isMapping,
  MASK,
  showHost,
  showInterface,
  showName,
  showPath,
  showUrl,
} from '../ground/shown.js';
import { nameOfKey } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';
import { type Hop, type HopScope, schemeOf } from './hop.js';

/*
 * Hops as they can be shown. The schema of a strategy's options decides: what cannot hold a secret is shown as it was written
 * (numbers, true and false, one of a list of words, durations), hosts and URLs without their user-info, and paths. Free text,
 * the values of headers, and options that no schema describes are masked.
 */

/** How the options of a strategy are described; what describes them is loaded when it is needed. */
export type JsonSchema = import('../json-schema/json-schema.js').JsonSchema;

/** The options of a hop, as far as they can be shown. */
export async function showOptions({ entry, options, settings }: Hop, scope: HopScope): Promise<unknown> {
  const own = Object.fromEntries(settings.map(({ key, value }) => [key, value]));
  return showMapping({ ...options, ...own }, await schemaOf(entry, scope), scope);
}

/** The way to a part of a hop's options; undefined if a key on it cannot be shown. */
export async function showOptionPath(
  path: ValuePath,
  { entry }: Pick<Hop, 'entry'>,
  scope: HopScope,
): Promise<ValuePath | undefined> {
  let schema: JsonSchema | undefined = await schemaOf(entry, scope);
  for (const key of path) {
    schema = schemaOfKey(schema, String(key));
    if (schema === undefined) return undefined;
  }
  return path;
}

/** A `use` value in its own form, as far as it can be shown. */
export async function showUse(use: unknown, scope: HopScope): Promise<unknown> {
  if (typeof use === 'string') return showWord(use, scope);
  if (Array.isArray(use)) return Promise.all(use.map((item) => showUse(item, scope)));
  if (typeof use !== 'object' || use === null) return MASK;
  const { strategy, ...options } = use as Record<string, unknown>;
  if (strategy !== undefined) {
    if (typeof strategy !== 'string' || !scope.registry.has(strategy)) return MASK;
    const entry = scope.registry.entry(strategy);
    return { strategy, ...(await showMapping(options, await schemaOf(entry, scope), scope)) };
  }
  const keys = Object.keys(options).filter((key) => !isSettingKey(key));
  const [key] = keys;
  if (key === undefined || keys.length > 1 || !scope.registry.has(nameOfKey(key))) return MASK;
  const entry = scope.registry.entry(nameOfKey(key));
  const { [key]: value, ...settings } = options;
  const shown = { [key]: await showShorthand(entry, value, scope), ...(await showSettings(settings, scope)) };
  return Object.fromEntries(Object.keys(options).map((each) => [each, shown[each]]));
}

/** Core's own keys, of a hop or a rule. */
export async function showSettings(settings: Mapping, scope: HopScope): Promise<Mapping> {
  const { settingsJsonSchema } = await import('../json-schema/config-schema.js');
  return showMapping(settings, settingsJsonSchema(), scope);
}

/** What follows the name of a strategy in `{ firstOf: … }`: its options, or the one that it is short for. */
async function showShorthand(entry: StrategyEntry, value: unknown, scope: HopScope): Promise<unknown> {
  const schema = await schemaOf(entry, scope);
  if (isMapping(value)) return showMapping(value, schema, scope);
  const option = entry.shorthand === undefined ? undefined : propertiesOf(schema)[entry.shorthand];
  return option === undefined ? MASK : showValue(value, option, scope);
}

function showWord(word: string, { hops, registry }: HopScope): string {
  if (hops.has(word)) return showName(word);
  if (registry.has(word)) return word;
  const scheme = schemeOf(word);
  return scheme !== undefined && registry.schemes().includes(scheme) ? showUrl(word) : MASK;
}

async function schemaOf(entry: StrategyEntry, { registry }: HopScope): Promise<JsonSchema> {
  const { hopJsonSchema } = await import('../json-schema/json-schema.js');
  return hopJsonSchema(entry, registry);
}

type Mapping = Readonly<Record<string, unknown>>;

/** The schemas of the keys that a mapping can have. */
export function propertiesOf(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  return (schema?.['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
}

/** The schema of what a key leads to, undefined if the schema does not say. */
export function schemaOfKey(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  for (const form of formsOf(schema ?? {})) {
    const { additionalProperties: others, items } = form;
    if (Object.hasOwn(propertiesOf(form), key)) return propertiesOf(form)[key];
    if (isMapping(others) && isHeaderName(key)) return others;
    if (isMapping(items) && /^\d+$/.test(key)) return items;
  }
  return undefined;
}

/** Keys that no schema knows are masked too. Where any key is allowed, as for headers, names are shown. */
async function showMapping(mapping: Mapping, schema: JsonSchema, scope: HopScope): Promise<Mapping> {
  const properties = propertiesOf(schema);
  const others = isMapping(schema['additionalProperties']) ? schema['additionalProperties'] : undefined;
  const shown = Object.entries(mapping).map(async ([key, value]) => {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property !== undefined) return [key, await showValue(value, property, scope)] as const;
    if (others === undefined || !isHeaderName(key)) return [MASK, MASK] as const;
    return [key, await showValue(value, others, scope)] as const;
  });
  return Object.fromEntries(await Promise.all(shown));
}

/** A value by the first form of its schema that lets it be shown. */
async function showValue(value: unknown, schema: JsonSchema, scope: HopScope): Promise<unknown> {
  if (typeof value === 'boolean' || value === null) return value;
  for (const form of formsOf(schema)) {
    const shown = await showAs(value, form, scope);
    if (shown !== MASK) return shown;
  }
  return MASK;
}

/** A schema and the forms that it lets a value have. */
export function formsOf(schema: JsonSchema): JsonSchema[] {
  const branches = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] ?? []) as readonly JsonSchema[]);
  return [schema, ...branches.flatMap(formsOf)];
}

/** How texts of a format are shown, as JSON Schema's `format` names them. */
const FORMATS: Readonly<Record<string, (text: string) => string>> = {
  url: showUrl,
  uri: showUrl,
  host: showHost,
  hostname: showHost,
  ip: showHost,
  ipv4: showHost,
  ipv6: showHost,
  path: showPath,
  'secret-path': showPath,
  interface: showInterface,
  mac: (text) => (/^[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5}$/i.test(text) ? text : MASK),
  greeting: (text) => (BEGINNING.test(text) ? text : MASK),
  dscp: (name) => (tosByte(name) === undefined ? MASK : name),
};

/** How protocols begin whose servers speak first. */
const BEGINNING = /^(?:SSH-[\w.-]*|HTTP\/[\d.]*|220[ -]?|\+OK ?|\* (?:OK|PREAUTH)? ?|RFB ?[\d.]*)$/;

function showAs(value: unknown, schema: JsonSchema, scope: HopScope): unknown {
  const { type, format, items } = schema;
  if (isOneOf(value, schema)) return value;
  const reference = /^#\/definitions\/(\w+)$/.exec(String(schema['$ref']))?.[1];
  if (reference === 'route') return showUse(value, scope);
  if (reference === 'duration' || reference === 'delay') return isDuration(value) ? value : MASK;
  if (typeof value === 'number') return isNumberOf(schema, value) ? value : MASK;
  if (typeof value === 'string') return FORMATS[String(format)]?.(value) ?? MASK;
  if (Array.isArray(value) && isMapping(items)) {
    return Promise.all(value.map((item) => showValue(item, items, scope)));
  }
  return isMapping(value) && type === 'object' ? showMapping(value, schema, scope) : MASK;
}

/** A number out of range can be anything, such as a PIN. */
function isNumberOf({ type, minimum, maximum }: JsonSchema, value: number): boolean {
  const isInRange = !(value < Number(minimum ?? value)) && !(value > Number(maximum ?? value));
  return isInRange && (type === 'number' || (type === 'integer' && Number.isInteger(value)));
}

function isOneOf(value: unknown, { enum: values, ...rest }: JsonSchema): boolean {
  return (Array.isArray(values) && values.includes(value)) || ('const' in rest && rest['const'] === value);
}

function isDuration(value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'number') && parseDuration(value) !== undefined;
}
