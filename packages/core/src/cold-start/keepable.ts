import { isMapping } from '../config/expect.js';
import { isFileSpecifier, type LoadedFile } from '../config/extends.js';
import type { Config } from '../config/merge.js';
import { redactOptions } from '../ground/redact.js';
import type { KeptConfig, KeptRule } from './config-cache.js';

/**
 * A config as data that may be kept on disk; undefined for one that may not: with a secret in it (they stay where they
 * were written), or made of packages, which may be replaced by others without a change in the files that name them.
 */
export function keepable(config: Config, files: readonly LoadedFile[]): KeptConfig | undefined {
  const isOfFiles = files.every(({ content }) => content.extends.every(isFileSpecifier));
  if (!isOfFiles) return undefined;
  const kept: KeptConfig = {
    file: config.file,
    sources: config.sources,
    defaults: config.defaults,
    hops: [...config.hops].map(([name, { spec, baseDir, where }]) => ({ name, spec, baseDir, place: where() })),
    rules: files.flatMap(writtenRules).map((written, index) => keptRule(written, config, index)),
    plugins: config.plugins.map(({ specifier, from, where }) => ({ specifier, from, place: where() })),
  };
  return isPlain(kept) && JSON.stringify(redactOptions(kept)) === JSON.stringify(kept) ? kept : undefined;
}

/** Whether JSON gives back what it is given: YAML has `.inf` and `.nan`, which JSON has not. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
}

/** The rules of a file before they were converted. */
function writtenRules({ source }: LoadedFile): Record<string, unknown>[] {
  const rules = isMapping(source.data) ? (source.data['rules'] ?? []) : [];
  return [rules].flat() as Record<string, unknown>[];
}

function keptRule(
  { host, port, user, alias, localNetwork }: Record<string, unknown>,
  config: Config,
  index: number,
): KeptRule {
  const rule = config.rules[index];
  if (rule === undefined) throw new Error('a rule that was not merged');
  const lists = { host, port, user, alias, localNetwork };
  const written = Object.entries(lists).flatMap(([key, value]) => (value === undefined ? [] : [[key, [value].flat()]]));
  return {
    ...Object.fromEntries(written),
    use: rule.use,
    name: rule.name,
    baseDir: rule.baseDir,
    timeoutMs: rule.timeoutMs,
    place: rule.where(),
  };
}
