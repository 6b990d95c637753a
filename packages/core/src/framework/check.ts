import type { DependencyContainer } from 'tsyringe';
import type { Config, ConfigPlugin, LoadedRules } from '../config/load.js';
import type { Report } from '../config/schema.js';
import { type FdpassError, formatWhere, isFdpassError } from '../ground/errors.js';
import { matchesAll } from '../rules/shadow.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { type Framework, type FrameworkParts, TOKENS } from './framework.js';
import { loadFramework } from './load-framework.js';
import { pathWarnings, ruleWarnings, unusedHops } from './warnings.js';

/** One thing that is wrong with a config, or a warning: it is right and probably not meant. */
export interface ConfigProblem {
  /** Whether it keeps the config from being used. */
  readonly severity: 'error' | 'warning';
  /** What and where it is, and what to try. */
  readonly error: FdpassError;
}

/** What a check has found. */
export interface ConfigReport {
  /** As far as it could be read; undefined if there is none. */
  readonly config: Config | undefined;
  /** Whether a rule matches every host; where none does, the default strategy reaches what is left. */
  readonly hasDefault: boolean;
  /** In the order of the files and of the places in them. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Checks the config that `parts` lead to as a whole: what a dial would stop at does not keep the rest from being checked.
 * Loads its plugins and makes every dialer; opens nothing.
 *
 * @param replace As in {@link loadFramework}.
 * @throws FdpassError of any code but `config`.
 */
export async function checkConfig(
  parts: FrameworkParts,
  replace: (container: DependencyContainer) => void = () => {},
): Promise<ConfigReport> {
  const { loadRules } = await import('../config/load.js');
  const errors: FdpassError[] = [];
  const report: Report = (error) => void errors.push(error);
  const read = await orReport(report, async () =>
    parts.config === false ? undefined : loadRules(parts.config, report),
  );
  if (read === undefined) return reportOf(undefined, errors, []);
  const { config } = read;
  const isReadable = errors.length === 0;
  if (config.plugins.length > 0) parts.beforePlugins?.();
  const { used, warnings } = await checkRoutes(await composeFor(read, parts, replace), config, errors, report);
  if (isReadable) warnings.push(...(await ruleWarnings(config.rules)), ...unusedHops(config, used));
  return reportOf(config, errors, warnings);
}

/** A framework with this config and without its plugins, which are loaded one by one. */
function composeFor(
  read: LoadedRules,
  parts: FrameworkParts,
  replace: (container: DependencyContainer) => void,
): Promise<Framework> {
  return loadFramework({ ...parts, cache: undefined }, (container) => {
    replace(container);
    const withoutPlugins = { ...read, config: { ...read.config, plugins: [] } };
    container.register(TOKENS.configStore, { useValue: async () => withoutPlugins });
  });
}

/** What a look at all routes has found, besides errors. */
interface SeenRoutes {
  /** The names of the hops that rules use. */
  readonly used: Set<string>;
  readonly warnings: FdpassError[];
}

async function checkRoutes(
  { registry, router }: Framework,
  { plugins }: Config,
  errors: readonly FdpassError[],
  report: Report,
): Promise<SeenRoutes> {
  const used = new Set<string>();
  const hasPlugins = await loadEach(plugins, registry, report);
  if (!hasPlugins) return { used, warnings: [] }; // the strategies of a plugin are then unknown, which says nothing new
  const known = new Set(errors.map(placeOf));
  const warnings = new Map<string, FdpassError>(); // a hop is seen once for each rule that uses it
  const found = await router.check({
    use: (name) => void used.add(name),
    see: async (hop) => {
      for (const warning of await pathWarnings(hop, registry)) warnings.set(warning.message, warning);
    },
  });
  for (const error of found) if (!known.has(placeOf(error))) report(error);
  return { used, warnings: [...warnings.values()] };
}

async function loadEach(
  plugins: readonly ConfigPlugin[],
  registry: StrategyRegistry,
  report: Report,
): Promise<boolean> {
  if (plugins.length === 0) return true;
  const { loadPlugins } = await import('../strategy/plugins.js');
  let all = true;
  for (const plugin of plugins) {
    const loaded = await orReport(report, async () => {
      await loadPlugins([plugin], registry);
      return true;
    });
    all &&= loaded === true;
  }
  return all;
}

async function orReport<T>(report: Report, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!isFdpassError(error) || error.code !== 'config') throw error;
    report(error);
    return undefined;
  }
}

function placeOf({ where }: FdpassError): string | undefined {
  return where && formatWhere(where);
}

function reportOf(
  config: Config | undefined,
  errors: readonly FdpassError[],
  warnings: readonly FdpassError[],
): ConfigReport {
  const problems: ConfigProblem[] = [
    ...errors.map((error) => ({ severity: 'error' as const, error })),
    ...warnings.map((error) => ({ severity: 'warning' as const, error })),
  ];
  const sources = config?.sources ?? [];
  return {
    config,
    hasDefault: config?.rules.some(matchesAll) ?? false,
    problems: problems.toSorted((a, b) => byPlace(a.error, b.error, sources)),
  };
}

/** By file and place; what has no place comes first. */
function byPlace({ where: a }: FdpassError, { where: b }: FdpassError, sources: readonly string[]): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return sources.indexOf(a.file) - sources.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
