import 'reflect-metadata/lite';
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe';
import type { ConfigCache } from '../cold-start/config-cache.js';
import type { Config, ConfigPlugin } from '../config/load.js';
import { configPath, hasConfig, type LoadOptions } from '../config/places.js';
import { type Clock, systemClock } from '../ground/clock.js';
import type { Resolver } from '../lookup/resolver.js';
import type { ChainScope } from '../routing/chain.js';
import { Router } from '../routing/router.js';
import type { RuleTable } from '../rules/rule-table.js';
import { type StrategyEntry, StrategyRegistry } from '../strategy/registry.js';

/*
 * The one place where the parts of a framework are put together. Tokens and factories, not decorators: the result is
 * the same under tsc, type stripping and bundlers. Plugins never see the container.
 */

/** What a framework is made of. */
export interface FrameworkParts {
  /** What is registered first; plugins of the config join them. */
  readonly strategies: readonly StrategyEntry[];
  /** Reaches the first proxy of a chain and targets that no rule matches. */
  readonly defaultStrategy: string;
  /** Loaded before the config's own. Default: none. */
  readonly plugins?: readonly ConfigPlugin[] | undefined;
  /** Where the config is looked for, or `false` for none at all. Default: the user's, then the system's. */
  readonly config?: LoadOptions | false | undefined;
  /** What deadlines and delays run on. Default: the real one. */
  readonly clock?: Clock | undefined;
  /** Where what comes of a config file is kept between runs. Default: nowhere. */
  readonly cache?: ConfigCache | undefined;
  /** How names are looked up. Default: `dns.lookup`. */
  readonly resolve?: Resolver | undefined;
  /** Milliseconds for a dial where the config does not say. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** Strategies, rules and routing, composed. Everything in it is made when it is first asked for. */
export interface Framework {
  /** Every strategy by name and URL scheme, those of plugins once the config is loaded. */
  readonly registry: StrategyRegistry;
  /** The loaded config, or undefined if there is none. @throws FdpassError `config` */
  config(): Promise<Config | undefined>;
  /** @throws FdpassError `config` */
  router(): Promise<Router>;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** A config and its rules, compiled. */
interface Rules {
  readonly config: Config;
  readonly table: RuleTable;
}

const PARTS: InjectionToken<FrameworkParts> = Symbol('parts');
const CLOCK: InjectionToken<Clock> = Symbol('clock');
const REGISTRY: InjectionToken<StrategyRegistry> = Symbol('registry');
const RULES: InjectionToken<Promise<Rules | undefined>> = Symbol('rules');
const ROUTER: InjectionToken<Promise<Router>> = Symbol('router');

/** Composes a framework of its own: two of them share no state. */
export function composeFramework(parts: FrameworkParts): Framework {
  const container = root.createChildContainer();
  container.register(PARTS, { useValue: parts });
  container.register(CLOCK, { useValue: parts.clock ?? systemClock });
  container.register(REGISTRY, { useFactory: instanceCachingFactory(makeRegistry) });
  container.register(RULES, { useFactory: instanceCachingFactory(loadRules) });
  container.register(ROUTER, { useFactory: instanceCachingFactory(makeRouter) });
  return {
    registry: container.resolve(REGISTRY),
    config: async () => (await container.resolve(RULES))?.config,
    router: () => container.resolve(ROUTER),
  };
}

function makeRegistry(container: DependencyContainer): StrategyRegistry {
  const registry = new StrategyRegistry();
  for (const strategy of container.resolve(PARTS).strategies) registry.register(strategy);
  return registry;
}

async function loadRules(container: DependencyContainer): Promise<Rules | undefined> {
  const { config: options = {}, plugins = [], cache } = container.resolve(PARTS);
  await registerPlugins(plugins, container);
  if (options === false) return undefined;
  const file = configPath(options);
  if (!hasConfig(options, file)) return undefined;
  const rules = (cache && file && (await keptRules(file, cache))) || (await readRules(options, cache));
  await registerPlugins(rules?.config.plugins ?? [], container);
  return rules;
}

async function keptRules(file: string, cache: ConfigCache): Promise<Rules | undefined> {
  const { compileRules, readKept } = await import('../cold-start/kept.js');
  const config = readKept(file, cache);
  return config && { config, table: compileRules(config.rules) };
}

async function readRules(options: LoadOptions, cache: ConfigCache | undefined): Promise<Rules | undefined> {
  const { compileRules, loadConfig } = await import('../config/configured.js');
  const config = loadConfig(options, cache);
  return config && { config, table: compileRules(config.rules) };
}

async function registerPlugins(plugins: readonly ConfigPlugin[], container: DependencyContainer): Promise<void> {
  if (plugins.length === 0) return;
  const { loadPlugins } = await import('../strategy/plugins.js');
  await loadPlugins(plugins, container.resolve(REGISTRY));
}

async function makeRouter(container: DependencyContainer): Promise<Router> {
  const parts = container.resolve(PARTS);
  const rules = await container.resolve(RULES);
  const scope: ChainScope = {
    registry: container.resolve(REGISTRY),
    hops: rules?.config.hops ?? new Map(),
    socketDefaults: rules?.config.defaults.socket ?? { keepAlive: true },
    defaultStrategy: parts.defaultStrategy,
  };
  return new Router({
    config: rules?.config,
    table: rules?.table,
    scope,
    clock: container.resolve(CLOCK),
    resolve: parts.resolve,
    timeoutMs: rules?.config.defaults.timeoutMs ?? parts.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
}
