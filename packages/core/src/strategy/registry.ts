import { FdpassError } from '../ground/errors.js';
import { prepareToLoad } from '../ground/loading.js';
import { hintAtKnown, quoteUnknown } from '../ground/shown.js';
import type { Strategy, StrategyEntry } from './strategy.js';

const NAME = /^[a-z][a-z0-9-]*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*$/; // RFC 3986 §3.1

/** The strategies one framework knows, by name and by URL scheme. A value, never global: two frameworks share nothing. */
export class StrategyRegistry {
  readonly #byName = new Map<string, StrategyEntry>();
  readonly #byScheme = new Map<string, StrategyEntry>();
  readonly #origins = new Map<StrategyEntry, string>();

  /**
   * Adds a strategy; `origin` says where it comes from, for errors that are its author's.
   *
   * @throws FdpassError `config` if the name or a scheme is taken or malformed.
   */
  register(entry: StrategyEntry, origin?: string): void {
    checkEntry(entry);
    claim(this.#byName, 'strategy', entry.name, entry);
    for (const scheme of entry.schemes ?? []) claim(this.#byScheme, 'URL scheme', scheme, entry);
    if (origin !== undefined) this.#origins.set(entry, origin);
  }

  /** Where a strategy comes from, for errors that are its author's: `the strategy` or `the plugin "./mine.mjs"`. */
  originOf(entry: StrategyEntry): string {
    const origin = this.#origins.get(entry);
    return origin === undefined ? 'the strategy' : `the plugin ${JSON.stringify(origin)}`;
  }

  /** Whether a strategy of that name is registered. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Names in alphabetical order. */
  names(): string[] {
    return [...this.#byName.keys()].sort();
  }

  /** URL schemes in alphabetical order, without the colon. */
  schemes(): string[] {
    return [...this.#byScheme.keys()].sort();
  }

  /** What was registered, in the order of the names. */
  entries(): StrategyEntry[] {
    return this.names().map((name) => this.entry(name));
  }

  /** @throws FdpassError `config` that lists what is known. */
  entry(name: string): StrategyEntry {
    const entry = this.#byName.get(name);
    if (entry !== undefined) return entry;
    throw unknown('strategy', name, this.names());
  }

  /** The strategy that answers to a URL scheme (`socks5` for `socks5://…`). @throws FdpassError `config` */
  entryForScheme(scheme: string): StrategyEntry {
    const entry = this.#byScheme.get(scheme);
    if (entry !== undefined) return entry;
    throw unknown('URL scheme', scheme, this.schemes());
  }

  /** The strategy itself, its code loaded if it was registered by name only. */
  async load(entry: StrategyEntry): Promise<Strategy> {
    if (!('load' in entry)) return entry;
    prepareToLoad();
    return entry.load();
  }
}

/** The name of a strategy as it is written as a key: `firstOf` means `first-of`. */
export function nameOfKey(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function checkEntry(entry: StrategyEntry): void {
  if (typeof entry?.name !== 'string' || !NAME.test(entry.name)) {
    throw new FdpassError('config', `${JSON.stringify(entry?.name)} is not a strategy name`, {
      hint: 'use lower-case letters, digits and dashes',
    });
  }
  for (const scheme of entry.schemes ?? []) {
    if (!SCHEME.test(scheme))
      throw new FdpassError('config', `strategy ${entry.name}: ${JSON.stringify(scheme)} is not a URL scheme`);
  }
}

function claim(map: Map<string, StrategyEntry>, what: string, key: string, entry: StrategyEntry): void {
  const owner = map.get(key);
  if (owner !== undefined) {
    throw new FdpassError(
      'config',
      `the ${what} ${JSON.stringify(key)} is registered twice, by ${owner.name} and ${entry.name}`,
    );
  }
  map.set(key, entry);
}

function unknown(what: string, name: string, known: readonly string[]): FdpassError {
  const shown = quoteUnknown(name, known, '');
  return new FdpassError('config', `unknown ${what} ${shown}`.trim(), { hint: hintAtKnown(name, known) });
}
