import { isSettingKey } from '../dial/settings.js';
import {
  addDetails,
  FdpassError,
  isFdpassError,
  type Locate,
  type PlacePart,
  type ValuePath,
} from '../ground/errors.js';
import {
  describeType,
  hintAtKnown,
  isMapping,
  isShownName,
  MASK,
  quoteUnknown,
  showName,
  showUrl,
} from '../ground/shown.js';
import { didYouMean } from '../ground/text.js';
import { nameOfKey, type StrategyRegistry } from '../strategy/registry.js';
import type { Strategy, StrategyEntry } from '../strategy/strategy.js';

/** Where a `use` value, or what became of it, is written. */
export interface Place {
  /** The folder that relative paths start from. */
  readonly baseDir: string;
  /** Where a part of it is; undefined for a value that is in no config, such as `--via`. */
  readonly locate?: Locate | undefined;
  /** Whether the user has not written it at all: then no error names it. */
  readonly isImplied?: boolean | undefined;
}

/** One hop of a chain, resolved to its strategy but not yet checked against the strategy's options. */
export interface Hop {
  readonly entry: StrategyEntry;
  readonly options: Readonly<Record<string, unknown>>;
  /** Of core's own, as they were written beside the options. */
  readonly settings: readonly WrittenSetting[];
  /** How errors and explanations show it, e.g. `corp (http://proxy:3128)`; holds no secret. Undefined for the implied first hop. */
  readonly label: string | undefined;
  /** Of the options. */
  readonly place: Place;
  /** The named hops that it is nested in, outermost first: its own nested routes may not name them again. */
  readonly path: readonly string[];
}

/** A key of core's own in the mapping of a hop. */
export interface WrittenSetting {
  readonly key: string;
  readonly value: unknown;
  /** Of the value. */
  readonly place: Place;
}

/** A reusable hop of the config, as it was written. */
export interface NamedHop extends Place {
  readonly spec: unknown;
}

export interface HopScope {
  readonly registry: StrategyRegistry;
  readonly hops: ReadonlyMap<string, NamedHop>;
  /** Looks at everything that is built. Default: the first error ends it, and nothing is looked at. */
  readonly inspector?: Inspector | undefined;
}

/** A check of a whole config. */
export interface Inspector {
  /** Is told an error, after which the rest is built all the same. */
  report(error: unknown): void;
  /** Is shown each hop whose options are right. */
  see(hop: Hop, strategy: Strategy): void | Promise<void>;
  /** Is told the name of each named hop that is used. */
  use(name: string): void;
}

/** The result of `build`; if it fails and there is an inspector, that is told, and the result is `otherwise`. */
export async function orReport<T>({ inspector }: HopScope, otherwise: T, build: () => Promise<T>): Promise<T> {
  try {
    return await build();
  } catch (error) {
    if (inspector === undefined) throw error;
    inspector.report(error);
    return otherwise;
  }
}

/** The place of a part. */
export function placeWithin({ baseDir, locate }: Place, ...start: ValuePath): Place {
  return { baseDir, locate: locate && ((path, part) => locate([...start, ...path], part)) };
}

/** Adds to an error where its cause is written, unless it says so itself. */
export async function withPlace(
  error: unknown,
  { locate }: Place,
  path: ValuePath = [],
  part?: PlacePart,
): Promise<unknown> {
  if (!isFdpassError(error) || error.where !== undefined || locate === undefined) return error;
  return addDetails(error, { where: await locate(path, part) });
}

const URL_SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * Resolves a `use` value (a name, a URL, a mapping or a list of them) to its hops in travel order.
 *
 * @throws FdpassError `config` for unknown names (with the near ones), shapes that mean nothing, and hops that contain themselves.
 */
export async function resolveHops(
  use: unknown,
  place: Place,
  scope: HopScope,
  path: readonly string[] = [],
): Promise<Hop[]> {
  try {
    if (Array.isArray(use)) return await resolveList(use, place, scope, path);
    if (typeof use === 'string') return await resolveWord(use, place, scope, path);
    if (isMapping(use)) return [await resolveMapping(use, place, scope, path)];
  } catch (error) {
    throw await withPlace(error, place);
  }
  const error = new FdpassError('config', `${describeType(use)} is not a hop`, {
    hint: 'write a hop name, a strategy, a URL, a mapping with "strategy", or a list of these',
  });
  throw await withPlace(error, place);
}

async function resolveList(
  items: readonly unknown[],
  place: Place,
  scope: HopScope,
  path: readonly string[],
): Promise<Hop[]> {
  if (items.length === 0)
    throw new FdpassError('config', 'the chain has no hops', { hint: 'name at least one strategy' });
  const hops: Hop[] = [];
  for (const [index, item] of items.entries()) {
    const resolve = (): Promise<Hop[]> => resolveHops(item, placeWithin(place, index), scope, path);
    hops.push(...(await orReport(scope, [], resolve)));
  }
  return hops;
}

async function resolveWord(word: string, place: Place, scope: HopScope, path: readonly string[]): Promise<Hop[]> {
  const named = scope.hops.get(word);
  if (named !== undefined) return resolveNamed(word, named, scope, path);
  const scheme = schemeOf(word);
  if (scheme !== undefined) {
    return [hopOf(scope.registry.entryForScheme(scheme), { url: word }, [], placeOfOption(place), path)];
  }
  if (scope.registry.has(word))
    return [{ entry: scope.registry.entry(word), options: {}, settings: [], label: word, place, path }];
  throw unknownWord(word, scope);
}

/** The scheme of a URL in lower case; undefined for a word that is not one. */
export function schemeOf(word: string): string | undefined {
  return word.includes(':') ? URL_SCHEME.exec(word)?.[1]?.toLowerCase() : undefined;
}

async function resolveNamed(name: string, named: NamedHop, scope: HopScope, path: readonly string[]): Promise<Hop[]> {
  if (path.includes(name)) {
    const circle = [...path, name].map(showName).join(' -> ');
    throw new FdpassError('config', `the hop ${JSON.stringify(showName(name))} contains itself: ${circle}`);
  }
  scope.inspector?.use(name);
  const hops = await resolveHops(named.spec, named, scope, [...path, name]);
  return hops.map((hop) => ({ ...hop, label: hop.label === name ? name : `${showName(name)} (${hop.label})` }));
}

async function resolveMapping(
  mapping: Record<string, unknown>,
  place: Place,
  scope: HopScope,
  path: readonly string[],
): Promise<Hop> {
  const { strategy, ...rest } = mapping;
  const { options, settings } = splitSettings(rest, place);
  if (typeof strategy === 'string') {
    return hopOf(await entryAt(strategy, placeWithin(place, 'strategy'), scope), options, settings, place, path);
  }
  if (strategy === undefined) await refuseMisspelt(mapping, place, scope);
  const [key, ...others] = Object.keys(options);
  if (strategy === undefined && key !== undefined && others.length === 0) {
    return shorthand(key, options[key], settings, placeWithin(place, key), scope, path);
  }
  throw new FdpassError('config', 'the hop does not name a strategy', {
    hint: `add "strategy: NAME", one of ${scope.registry.names().join(', ')}`,
  });
}

/** The options of a strategy, and core's own keys between them. */
export function splitSettings(
  mapping: Readonly<Record<string, unknown>>,
  place: Place,
): { readonly options: Record<string, unknown>; readonly settings: readonly WrittenSetting[] } {
  const entries = Object.entries(mapping);
  const options = Object.fromEntries(entries.filter(([key]) => !isSettingKey(key))); // a key can be `__proto__`
  const settings = entries
    .filter(([key]) => isSettingKey(key))
    .map(([key, value]) => ({ key, value, place: placeWithin(place, key) }));
  return { options, settings };
}

/** @throws FdpassError `config` if a key is nearly "strategy", and no strategy has its name */
async function refuseMisspelt(mapping: Record<string, unknown>, place: Place, { registry }: HopScope): Promise<void> {
  for (const key of Object.keys(mapping)) {
    const hint = registry.has(nameOfKey(key)) ? undefined : didYouMean(key, ['strategy']);
    if (hint === undefined) continue;
    const error = new FdpassError('config', `unknown key ${JSON.stringify(key)}`, { hint });
    throw await withPlace(error, place, [key], 'key');
  }
}

async function entryAt(name: string, place: Place, scope: HopScope, part?: PlacePart): Promise<StrategyEntry> {
  try {
    return scope.registry.entry(name);
  } catch (error) {
    throw await withPlace(error, place, [], part);
  }
}

/**
 * `{ firstOf: […] }` is short for `{ strategy: first-of, routes: […] }`, where `routes` is the strategy's `shorthand`; a
 * mapping is the options themselves.
 *
 * @param place Of the value.
 */
async function shorthand(
  key: string,
  value: unknown,
  settings: readonly WrittenSetting[],
  place: Place,
  scope: HopScope,
  path: readonly string[],
): Promise<Hop> {
  const entry = await entryAt(nameOfKey(key), place, scope, 'unknown-key');
  if (isMapping(value)) {
    const own = splitSettings(value, place);
    return hopOf(entry, own.options, [...settings, ...own.settings], place, path);
  }
  if (entry.shorthand !== undefined) {
    return hopOf(entry, { [entry.shorthand]: value }, settings, placeOfOption(place), path);
  }
  throw new FdpassError('config', `${entry.name} takes a mapping of options`, {
    hint: `see: fdpass strategies ${entry.name}`,
  });
}

/** The place of options that are made of a single one, which is written at `place`. */
function placeOfOption({ baseDir, locate }: Place): Place {
  return { baseDir, locate: locate && (([, ...path], part) => locate(path, part)) };
}

function hopOf(
  entry: StrategyEntry,
  options: Record<string, unknown>,
  settings: readonly WrittenSetting[],
  place: Place,
  path: readonly string[],
): Hop {
  return { entry, options, settings, label: labelOf(entry, options), place, path };
}

function labelOf({ name, schemes }: StrategyEntry, { url }: Readonly<Record<string, unknown>>): string {
  const shown = typeof url === 'string' ? showUrl(url, schemes) : MASK;
  return shown === MASK ? name : shown;
}

function unknownWord(word: string, scope: HopScope): FdpassError {
  const known = [...[...scope.hops.keys()].filter(isShownName), ...scope.registry.names()];
  const shown = quoteUnknown(word, known, 'this word');
  return new FdpassError('config', `${shown} is neither a hop of this config nor a strategy`, {
    hint: hintAtKnown(word, known),
  });
}
