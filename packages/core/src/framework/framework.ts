import 'reflect-metadata/lite';
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe';
import type { Config, LoadedRules, NamedPlugin } from '../config/merge.js';
import type { ConfigCache, LoadOptions } from '../config/places.js';
import type { Clock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { prepareToLoad } from '../ground/loading.js';
import type { Resolver } from '../lookup/resolver.js';
import type { HopScope } from '../routing/hop.js';
import { Router } from '../routing/router.js';
import { DEFAULT_SERVICES, type HostServices } from '../routing/strategy-host.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { StrategyEntry } from '../strategy/strategy.js';

/*
 * The one place where the parts of a framework are put together. Tokens and factories, not decorators: the result is the
 * same under tsc, type stripping and bundlers. Plugins never see the container.
 */

/** What a framework is made of. */
export interface FrameworkParts {
  /** What is registered first; plugins of the config join them. */
  readonly strategies: readonly StrategyEntry[];
  /** Reaches the first proxy of a chain, and targets that no rule matches. */
  readonly defaultStrategy: string;
  /** Loaded before the config's own. Default: none. */
  readonly plugins?: readonly NamedPlugin[] | undefined;
  /** Called before code of plugins is loaded. The command protects its stdout then. Default: nothing happens. */
  readonly beforePlugins?: (() => void) | undefined;
  /** Where the config is looked for, or `false` for none at all. Default: the user's, then the system's. */
  readonly config?: LoadOptions | false | undefined;
  /** Reads config files. Default: none can be read, and what that takes is not loaded, nor part of a bundle. */
  readonly files?: ConfigFiles | undefined;
  /** Where the result of reading a config file is cached between runs. Default: nowhere. */
  readonly cache?: ConfigCache | undefined;
  /** Milliseconds for a dial where the config does not say. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** Strategies, rules and routing, composed. */
export interface Framework {
  /** Every strategy by name and URL scheme, those of plugins included. */
  readonly registry: StrategyRegistry;
  /** The loaded config, or undefined if there is none. */
  readonly config: Config | undefined;
  /** Chooses and dials routes by the config's rules. */
  readonly router: Router;
  /** The files that it was made of: the config's own, and those of its plugins. */
  readonly files: readonly string[];
}

/** What can read config files. */
export interface ConfigFiles {
  /** Reads them, or what an earlier run has cached; undefined if there are none. @throws FdpassError `config` */
  read(options: LoadOptions, cache: ConfigCache | undefined): Promise<LoadedRules | undefined>;
  /** Caches what was read for the next run, if all of it can be shown. */
  keep(loaded: LoadedRules | undefined, cache: ConfigCache, scope: HopScope): Promise<void>;
}

/** Reads the config that the options lead to; undefined if there is none. @throws FdpassError `config` */
export type ConfigStore = (options: LoadOptions) => Promise<LoadedRules | undefined>;

/**
 * What a program can replace in its framework: `loadFramework(parts, (container) => container.register(TOKENS.clock,
 * { useValue: myClock }))`. Each has a default.
 */
export const TOKENS: {
  readonly [Name in keyof HostServices]: InjectionToken<HostServices[Name]>;
} & { readonly configStore: InjectionToken<ConfigStore> } = {
  clock: Symbol('fdpass.clock'),
  resolve: Symbol('fdpass.resolve'),
  compareAddresses: Symbol('fdpass.compareAddresses'),
  open: Symbol('fdpass.open'),
  credentials: Symbol('fdpass.credentials'),
  environment: Symbol('fdpass.environment'),
  random: Symbol('fdpass.random'),
  beforeAsking: Symbol('fdpass.beforeAsking'),
  standby: Symbol('fdpass.standby'),
  winners: Symbol('fdpass.winners'),
  lifetime: Symbol('fdpass.lifetime'),
  configStore: Symbol('fdpass.configStore'),
};

const PARTS: InjectionToken<FrameworkParts> = Symbol('fdpass.parts');
const SERVICES: InjectionToken<HostServices> = Symbol('fdpass.services');
const REGISTRY: InjectionToken<StrategyRegistry> = Symbol('fdpass.registry');

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Composes a framework of its own, its config and plugins loaded: two frameworks share no state.
 *
 * @param replace Registers other parts for {@link TOKENS} before anything is made.
 * @throws FdpassError `config`
 */
export async function composeFramework(
  parts: FrameworkParts,
  replace: (container: DependencyContainer) => void = () => {},
): Promise<Framework> {
  prepareToLoad();
  const container = root.createChildContainer();
  container.register(PARTS, { useValue: parts });
  for (const name of Object.keys(DEFAULT_SERVICES) as (keyof HostServices)[]) {
    container.register<HostServices[typeof name]>(TOKENS[name], { useValue: DEFAULT_SERVICES[name] });
  }
  container.register(TOKENS.configStore, { useFactory: instanceCachingFactory(makeConfigStore) });
  container.register(SERVICES, { useFactory: instanceCachingFactory(makeServices) });
  container.register(REGISTRY, { useFactory: instanceCachingFactory(makeRegistry) });
  replace(container);
  return makeFramework(container);
}

async function makeFramework(container: DependencyContainer): Promise<Framework> {
  const parts = container.resolve(PARTS);
  const { config: options = {}, plugins = [], beforePlugins, defaultStrategy, timeoutMs } = parts;
  const registry = container.resolve(REGISTRY);
  const ownPlugins = await registerPlugins(plugins, registry, beforePlugins);
  const loaded = options === false ? undefined : await container.resolve(TOKENS.configStore)(options);
  const configPlugins = await registerPlugins(loaded?.config.plugins ?? [], registry, beforePlugins);
  const { defaults, hops = new Map() } = loaded?.config ?? {};
  const scope = {
    registry,
    services: container.resolve(SERVICES),
    hops,
    socketDefaults: defaults?.socket ?? { keepAlive: true },
    tlsDefaults: defaults?.tls ?? {},
    defaultStrategy,
  };
  if (parts.cache !== undefined) await parts.files?.keep(loaded, parts.cache, scope);
  const router = new Router({
    config: loaded?.config,
    table: loaded?.table,
    scope,
    timeoutMs: defaults?.timeoutMs ?? timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  const files = [...(loaded?.config.sources ?? []), ...ownPlugins, ...configPlugins];
  return { registry, config: loaded?.config, router, files };
}

function makeServices(container: DependencyContainer): HostServices {
  return {
    clock: container.resolve<Clock>(TOKENS.clock),
    resolve: container.resolve<Resolver>(TOKENS.resolve),
    compareAddresses: container.resolve(TOKENS.compareAddresses),
    open: container.resolve(TOKENS.open),
    credentials: container.resolve(TOKENS.credentials),
    environment: container.resolve(TOKENS.environment),
    random: container.resolve(TOKENS.random),
    beforeAsking: container.resolve(TOKENS.beforeAsking),
    standby: container.resolve(TOKENS.standby),
    winners: container.resolve(TOKENS.winners),
    lifetime: container.resolve(TOKENS.lifetime),
  };
}

function makeRegistry(container: DependencyContainer): StrategyRegistry {
  const registry = new StrategyRegistry();
  for (const strategy of container.resolve(PARTS).strategies) registry.register(strategy);
  return registry;
}

/** A config given in code is read here; for files a program needs {@link FrameworkParts.files}. */
function makeConfigStore(container: DependencyContainer): ConfigStore {
  const { files, cache } = container.resolve(PARTS);
  return async (options) => {
    if (files !== undefined) return files.read(options, cache);
    if (options.content === undefined) throw noFiles();
    const { readInline } = await import('../config/merge.js');
    return readInline(options.content, options.baseDir, {
      read: () => {
        throw noFiles();
      },
    });
  };
}

function noFiles(): FdpassError {
  return new FdpassError('config', 'this program reads no configuration files', {
    hint: 'give "use" or "rules"',
  });
}

/** Resolves to the plugins' files. */
async function registerPlugins(
  plugins: readonly NamedPlugin[],
  registry: StrategyRegistry,
  before: FrameworkParts['beforePlugins'],
): Promise<readonly string[]> {
  if (plugins.length === 0) return [];
  before?.();
  const { loadPlugins } = await import('../strategy/plugins.js');
  return loadPlugins(plugins, registry);
}
