import { FdpassError, isFdpassError } from '../ground/errors.js';
import { expandPath, readOptionFile } from '../ground/files.js';
import type { ValuePath, Where } from '../ground/where.js';
import type { Hop } from '../routing/hop.js';
import { formsOf, isMapping, type JsonSchema, schemaOfKey } from '../routing/show-hops.js';
import type { StrategyRegistry } from '../strategy/registry.js';

/*
 * Paths in the options of hops that are written as a shell would expand them, and secret files that a dial could not use.
 * The JSON Schema of the options says which of them are paths.
 */

/** An option that is a path. */
interface PathOption {
  readonly path: ValuePath;
  readonly written: string;
  readonly isSecret: boolean;
}

/** What is wrong with the paths of one hop. */
export async function pathWarnings({ entry, options, place }: Hop, registry: StrategyRegistry): Promise<FdpassError[]> {
  const { optionsJsonSchema } = await import('../json-schema/json-schema.js');
  const warnings: FdpassError[] = [];
  for (const option of pathsIn(options, await optionsJsonSchema(entry, registry), [])) {
    const where = await place.locate?.(option.path);
    warnings.push(...(isForShell(option.written) ? [unexpanded(where)] : unusable(option, place.baseDir, where)));
  }
  return warnings;
}

function pathsIn(value: unknown, schema: JsonSchema | undefined, path: ValuePath): PathOption[] {
  const formats = formsOf(schema ?? {}).map(({ format }) => format);
  if (Array.isArray(value) && formats.includes('command')) {
    return typeof value[0] === 'string' ? [{ path: [...path, 0], written: value[0], isSecret: false }] : [];
  }
  if (typeof value === 'string') {
    const isSecret = formats.includes('secret-path');
    return isSecret || formats.includes('path') ? [{ path, written: value, isSecret }] : [];
  }
  if (!Array.isArray(value) && !isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    return pathsIn(item, schemaOfKey(schema, key), [...path, Array.isArray(value) ? Number(key) : key]);
  });
}

/** Whether a shell would put something else in place of a part of it. */
function isForShell(written: string): boolean {
  return /^~[^/]|\$(?:\w|\{)/.test(written);
}

function unexpanded(where: Where | undefined): FdpassError {
  return new FdpassError('config', 'this path is taken as it is written: $NAME and ~user are not expanded', {
    where,
    hint: 'begin it with ~/ or /',
  });
}

function unusable({ path, written, isSecret }: PathOption, baseDir: string, where: Where | undefined): FdpassError[] {
  if (!isSecret) return [];
  try {
    const text = readOptionFile(String(path.at(-1)), written, expandPath(written, baseDir), { secret: true });
    const isEmpty = text.split('\n', 1)[0]?.trim() === '';
    return isEmpty ? [new FdpassError('config', 'the first line of this file is empty', { where })] : [];
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return [new FdpassError('config', error.summary, { where, hint: error.hint })];
  }
}
