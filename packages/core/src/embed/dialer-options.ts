import { join, resolve } from 'node:path';
import type { NamedPlugin } from '../config/load.js';
import type { LoadOptions } from '../config/places.js';
import { INLINE_NAME } from '../config/source.js';
import { parseDuration } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { makeTarget } from '../ground/read-target.js';
import { hintAtKnown, quoteUnknown } from '../ground/shown.js';
import { type Target, targetKind } from '../ground/target.js';
import { nameOfKey } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';
import type { CreateDialerOptions, DialerDialOptions, TargetInput, TargetParts } from './connection-dialer.js';
import type { HopInput, UseInput } from './rules-input.js';

/*
 * What a program gives a dialer. Programs are often written without types, and an option that is overlooked can send
 * traffic past the proxy: so a name that is not known is refused wherever one can be written.
 */

/** Every name of an interface; the compiler checks that none is missing. */
type NamesOf<Options> = Readonly<Record<keyof Options, true>>;

const DIALER_OPTIONS: NamesOf<CreateDialerOptions> = {
  use: true,
  rules: true,
  config: true,
  searchFrom: true,
  searchUp: true,
  plugins: true,
  baseDir: true,
  lookup: true,
  timeout: true,
};

const DIAL_OPTIONS: NamesOf<DialerDialOptions> = {
  signal: true,
  timeout: true,
  via: true,
  tls: true,
  onProgress: true,
};

const TARGET_PARTS: NamesOf<TargetParts> = { host: true, port: true, user: true, alias: true };

/** @throws FdpassError `usage` if `given` is not a mapping, has a name that is not known, or a value that is null. */
function checkNames(what: string, given: object, names: Readonly<Record<string, true>>): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new FdpassError('usage', `${what} is not an object`, {
      hint: `give one with some of: ${Object.keys(names).join(', ')}`,
    });
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(names, name)) throw unknownName(what, name, Object.keys(names));
    if ((given as Record<string, unknown>)[name] === null)
      throw new FdpassError('usage', `${what}: "${name}" is null`, { hint: 'leave it out for none' });
  }
}

function unknownName(what: string, name: string, known: readonly string[]): FdpassError {
  return new FdpassError('usage', `${what} has no ${quoteUnknown(name, known, 'option of this name')}`, {
    hint: hintAtKnown(name, known),
  });
}

/**
 * The options of a dialer, for which a `use` value can stand.
 *
 * @param strategies Those that a mapping with one key, such as `{ firstOf: […] }`, can name.
 * @throws FdpassError `usage`
 */
export function readDialerOptions(
  given: CreateDialerOptions | HopInput | UseInput,
  strategies: readonly StrategyEntry[],
): CreateDialerOptions {
  const options = isUse(given, strategies) ? { use: given } : (given as CreateDialerOptions);
  checkNames('createDialer', options, DIALER_OPTIONS);
  readTimeout(options.timeout);
  return options;
}

function isUse(given: CreateDialerOptions | UseInput, strategies: readonly StrategyEntry[]): given is UseInput {
  if (typeof given === 'string' || Array.isArray(given)) return true;
  const [key, ...others] = Object.keys(Object(given));
  if (key === undefined || Object.hasOwn(DIALER_OPTIONS, key)) return false;
  return (
    Object.hasOwn(given, 'strategy') || (others.length === 0 && strategies.some(({ name }) => name === nameOfKey(key)))
  );
}

/** @throws FdpassError `usage` for an option that is not known. */
export function checkDialOptions(options: DialerDialOptions): void {
  checkNames('dial', options, DIAL_OPTIONS);
}

/** A target as a program gives it. @throws FdpassError `usage` */
export function readTarget(input: TargetInput): Target {
  if (typeof input === 'string') return makeTarget(splitHostPort(input));
  checkNames('the target', input, TARGET_PARTS);
  for (const part of ['host', 'port'] as const) {
    if (input[part] === undefined) throw wrongTarget(`has no ${part}`);
  }
  return makeTarget(input);
}

/** `host:22` or `[2001:db8::1]:22`, taken apart; `unix/PATH:22` and the like too, whose host can have any characters. */
function splitHostPort(text: string): { host: string; port: string } {
  if (text.includes('://')) throw wrongTarget('is a URL');
  const [, host, port] = /^(.*):(\d+)$/s.exec(text) ?? [];
  if (host === undefined || port === undefined) throw wrongTarget('has no port');
  const isBare = host.includes(':') && !/^\[.*\]$/.test(host);
  if (isBare && targetKind(host) === 'host') throw wrongTarget('is an address without brackets');
  return { host, port };
}

/** The target itself is not shown: what is written in the wrong form can be anything. */
function wrongTarget(what: string): FdpassError {
  return new FdpassError('usage', `the target ${what}`, {
    hint: 'write "host:22", "[2001:db8::1]:22" or { host, port }',
  });
}

/** Where the config comes from. */
export function configOf(options: CreateDialerOptions): LoadOptions | false {
  const { use, rules, config, searchFrom, searchUp, baseDir } = options;
  const given = [use, rules, config, searchFrom].filter((value) => value !== undefined);
  if (given.length > 1) throw new FdpassError('usage', 'give one of "use", "rules", "config" and "searchFrom"');
  if (config === false) return false;
  if (typeof config === 'string') return { file: config };
  if (searchFrom !== undefined) return { searchFrom, searchUp };
  if (use !== undefined) return { content: { rules: [{ use }] }, baseDir };
  const content = rules === undefined ? config : { rules };
  return content === undefined ? {} : { content, baseDir };
}

/** Plugins that are named rather than given. */
export function namedPlugins({ plugins = [], baseDir }: CreateDialerOptions): NamedPlugin[] {
  return plugins.flatMap((specifier, index) => {
    if (typeof specifier !== 'string') return [];
    if (baseDir === undefined) {
      throw new FdpassError('usage', 'a plugin is named, but "baseDir" is missing', {
        hint: 'say from which folder plugins resolve, e.g. import.meta.dirname',
      });
    }
    const from = join(resolve(baseDir), INLINE_NAME);
    return [{ specifier, from, where: () => ({ file: `plugins[${index}]`, line: 0, column: 0 }) }];
  });
}

/** A time limit in milliseconds, as the options take it. @throws FdpassError `usage` */
export function readTimeout(timeout: number | string | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const timeoutMs = typeof timeout === 'number' ? timeout : parseDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs >= 0) return timeoutMs;
  throw new FdpassError('usage', '"timeout" is not a time limit', {
    hint: 'give milliseconds, or "30s"',
  });
}
