import { FdpassError } from '../ground/errors.js';
import { nearest, redactOptions, redactUrl } from '../ground/text.js';
import { nameOfKey, type StrategyRegistry } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';

/** One hop of a chain, resolved to its strategy but not yet checked against the strategy's options. */
export interface Hop {
  readonly entry: StrategyEntry;
  readonly options: Readonly<Record<string, unknown>>;
  /** How errors and explanations show it, e.g. `corp (http://proxy:3128)`; holds no secret. Undefined for the implied first hop. */
  readonly label: string | undefined;
  /** The folder its relative paths start from. */
  readonly baseDir: string;
  /** The named hops it stands in, outermost first: the ones that its nested routes may not name again. */
  readonly path: readonly string[];
}

/** A reusable hop of the config, as it was written. */
export interface NamedHop {
  readonly spec: unknown;
  readonly baseDir: string;
}

export interface HopScope {
  readonly registry: StrategyRegistry;
  readonly hops: ReadonlyMap<string, NamedHop>;
}

const URL_SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * Resolves a `use` value (a name, a URL, a mapping or a list of them) to its hops in travel order.
 *
 * @throws FdpassError `config` for unknown names (with the near ones), shapes that mean nothing, and hops that contain themselves.
 */
export function resolveHops(use: unknown, baseDir: string, scope: HopScope, path: readonly string[] = []): Hop[] {
  if (typeof use === 'string') return resolveWord(use, baseDir, scope, path);
  if (Array.isArray(use)) {
    if (use.length === 0)
      throw new FdpassError('config', 'a chain without a hop', { hint: 'name at least one strategy' });
    return use.flatMap((item) => resolveHops(item, baseDir, scope, path));
  }
  if (typeof use === 'object' && use !== null)
    return [resolveMapping(use as Record<string, unknown>, baseDir, scope, path)];
  throw new FdpassError('config', `${JSON.stringify(use) ?? 'nothing'} is not a hop`, {
    hint: 'write a hop name, a strategy, a URL, a mapping with "strategy", or a list of these',
  });
}

function resolveWord(word: string, baseDir: string, scope: HopScope, path: readonly string[]): Hop[] {
  const named = scope.hops.get(word);
  if (named !== undefined) return resolveNamed(word, named, scope, path);
  const scheme = word.includes(':') ? URL_SCHEME.exec(word)?.[1]?.toLowerCase() : undefined;
  if (scheme !== undefined) {
    return [
      { entry: scope.registry.entryForScheme(scheme), options: { url: word }, label: redactUrl(word), baseDir, path },
    ];
  }
  if (scope.registry.has(word)) return [{ entry: scope.registry.entry(word), options: {}, label: word, baseDir, path }];
  throw unknownWord(word, scope);
}

function resolveNamed(name: string, named: NamedHop, scope: HopScope, path: readonly string[]): Hop[] {
  if (path.includes(name)) {
    throw new FdpassError('config', `the hop ${JSON.stringify(name)} contains itself: ${[...path, name].join(' -> ')}`);
  }
  const hops = resolveHops(named.spec, named.baseDir, scope, [...path, name]);
  return hops.map((hop) => ({ ...hop, label: hop.label === name ? name : `${name} (${hop.label})` }));
}

function resolveMapping(
  mapping: Record<string, unknown>,
  baseDir: string,
  scope: HopScope,
  path: readonly string[],
): Hop {
  const { strategy, ...options } = mapping;
  if (typeof strategy === 'string') return hopOf(scope.registry.entry(strategy), options, baseDir, path);
  const [key, ...others] = Object.keys(mapping);
  if (strategy === undefined && key !== undefined && others.length === 0) {
    return shorthand(key, mapping[key], baseDir, scope, path);
  }
  throw new FdpassError('config', `the hop ${JSON.stringify(redactOptions(mapping))} names no strategy`, {
    hint: `add "strategy: NAME", one of ${scope.registry.names().join(', ')}`,
  });
}

/**
 * `{ firstOf: […] }` is short for `{ strategy: first-of, routes: […] }`, where `routes` is the strategy's `shorthand`; a
 * mapping is the options themselves.
 */
function shorthand(key: string, value: unknown, baseDir: string, scope: HopScope, path: readonly string[]): Hop {
  const entry = scope.registry.entry(nameOfKey(key));
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isMapping) return hopOf(entry, value as Record<string, unknown>, baseDir, path);
  if (entry.shorthand !== undefined) return hopOf(entry, { [entry.shorthand]: value }, baseDir, path);
  throw new FdpassError('config', `${entry.name} takes a mapping of options`, {
    hint: `see: fdpass strategies ${entry.name}`,
  });
}

function hopOf(entry: StrategyEntry, options: Record<string, unknown>, baseDir: string, path: readonly string[]): Hop {
  return { entry, options, label: labelOf(entry, options), baseDir, path };
}

function labelOf({ name }: StrategyEntry, { url }: Readonly<Record<string, unknown>>): string {
  return typeof url === 'string' ? redactUrl(url) : name;
}

function unknownWord(word: string, scope: HopScope): FdpassError {
  const known = [...scope.hops.keys(), ...scope.registry.names()];
  const near = nearest(word, known);
  const meant = near === undefined ? '' : `did you mean ${JSON.stringify(near)}? `;
  return new FdpassError(
    'config',
    `${JSON.stringify(redactUrl(word))} is neither a hop of this config nor a strategy`,
    {
      hint: `${meant}known: ${known.join(', ')}`,
    },
  );
}
