import { FdpassError } from '../ground/errors.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { type Hop, type Place, resolveHops } from './hop.js';

/**
 * The one hop that a text means: a URL, the name of a strategy, or a mapping as a config writes it.
 *
 * @param source What the text is from, such as `--use`, for errors.
 * @throws FdpassError `config` for a text that is not one hop, or names a strategy that the registry does not have.
 */
export async function readHop(
  text: string,
  registry: StrategyRegistry,
  baseDir: string,
  source: string,
): Promise<Pick<Hop, 'entry' | 'options'>> {
  const { use, locate } = await parse(text, source);
  const hops = await resolveHops(use, { baseDir, locate }, { registry, hops: new Map() });
  const [hop, ...others] = hops;
  if (hop !== undefined && others.length === 0) return hop;
  throw new FdpassError('config', `${source} must be one hop, not a chain of ${hops.length}`, {
    hint: 'write the hop without those before it',
  });
}

/** A word stays as it is: in YAML a URL can be a mapping (`a: b`), and a comment begins after a blank. */
async function parse(text: string, source: string): Promise<{ use: unknown; locate?: Place['locate'] }> {
  if (!/^\s*[[{]/.test(text)) return { use: text };
  const { parseSource } = await import('../config/yaml-source.js');
  const { data, locate } = parseSource(source, text);
  return { use: data, locate };
}
