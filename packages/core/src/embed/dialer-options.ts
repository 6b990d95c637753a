import { join, resolve } from 'node:path';
import type { ConfigPlugin } from '../config/load.js';
import type { LoadOptions } from '../config/places.js';
import { INLINE_NAME } from '../config/source.js';
import { parseDuration } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import type { CreateDialerOptions } from './connection-dialer.js';

/** Where the config comes from. */
export function configOf(options: CreateDialerOptions): LoadOptions | false {
  const { config, rules, searchFrom, searchUp, baseDir } = options;
  const given = [config, rules, searchFrom].filter((value) => value !== undefined);
  if (given.length > 1) throw new FdpassError('usage', 'give one of "config", "rules" and "searchFrom"');
  if (config === false) return false;
  if (typeof config === 'string') return { file: config };
  if (searchFrom !== undefined) return { searchFrom, searchUp };
  const content = rules === undefined ? config : { rules };
  return content === undefined ? {} : { content, baseDir };
}

/** Plugins that are named rather than given. */
export function namedPlugins({ plugins = [], baseDir }: CreateDialerOptions): ConfigPlugin[] {
  return plugins.flatMap((specifier, index) => {
    if (typeof specifier !== 'string') return [];
    if (baseDir === undefined) {
      throw new FdpassError('usage', `the plugin ${JSON.stringify(specifier)} is named, but "baseDir" is missing`, {
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
  throw new FdpassError('usage', `${JSON.stringify(timeout)} is not a time limit`, {
    hint: 'give milliseconds, or "30s"',
  });
}
