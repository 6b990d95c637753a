import type { SocketOptions } from '../connection/socket-options.js';
import type { Chain, DialContext } from '../dial/dialer.js';
import { type DialSettings, expectationOf, type ResolvePlace } from '../dial/settings.js';
import { addDetails, FdpassError, isFdpassError, type ValuePath } from '../ground/errors.js';
import { showHost } from '../ground/shown.js';
import type { Target } from '../ground/target.js';
import { messageOf } from '../ground/text.js';
import type { TlsDefaults } from '../proxy/tls.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import { checkOptions } from './check-options.js';
import { type GuardedDialer, guardDialer, lendChain } from './guard.js';
import { type Hop, type HopScope, orReport, type Place, placeWithin, resolveHops, withPlace } from './hop.js';
import { createStrategyHost, type HostPlace, type HostServices } from './strategy-host.js';

/** What every chain of one framework is built with. */
export interface ChainScope extends HopScope {
  readonly registry: StrategyRegistry;
  readonly services: HostServices;
  readonly socketDefaults: SocketOptions;
  /** Of the config's `defaults`. */
  readonly tlsDefaults: TlsDefaults;
  /** The strategy that reaches the first proxy of a chain, and targets that no rule matches. */
  readonly defaultStrategy: string;
  /** Where names are looked up, as the hop or the rule around says. Default: as each hop does it. */
  readonly namesAt?: ResolvePlace | undefined;
}

/** A `use` value ready to dial, and its hops for people to read. */
export interface BuiltChain extends Chain {
  /** What the rule wants done before a dial, once for all of its tries; it has a limit of its own. Default: nothing. */
  readonly prepare?: ((target: Target, context: DialContext) => Promise<void>) | undefined;
  /** In travel order. */
  readonly hops: readonly HopName[];
  /** Milliseconds that a dial may take regardless of the usual limit; 0 if it needs no more than others. */
  readonly patienceMs: number;
  /** The same with their options, as far as they can be shown. Loads the schemas of their strategies. */
  summarize(): Promise<readonly HopSummary[]>;
}

/** How one hop is called. */
export interface HopName {
  /** The strategy's name. */
  readonly strategy: string;
  /** What the config calls it, without secrets. */
  readonly label: string;
}

/** One hop as `explain` shows it. */
export interface HopSummary extends HopName {
  /** The hop's options as they were written; `***` for what its strategy's schema does not let us show. */
  readonly options: unknown;
  /** The default strategy, if the hop connects through that and no hop was written before it. Absent if not. */
  readonly reachedThrough?: HopName;
  /** The routes that the strategy chooses from, with named hops resolved. Absent if there are none. */
  readonly routes?: readonly RouteSummary[];
}

/** A route inside a hop, as `explain` shows it. */
export interface RouteSummary {
  /** Where in the hop's options it was written, e.g. `['routes', 0]`. Absent if the strategy has made it itself. */
  readonly at?: ValuePath;
  /** In travel order. */
  readonly hops: readonly HopSummary[];
}

/** What a hop asked for while it was created. */
interface HopUse {
  /** The routes that its strategy has asked for. */
  readonly routes: { readonly at: ValuePath | undefined; readonly chain: Promise<BuiltChain> }[];
  /** How long the hop itself may take, if that is more than others. */
  patienceMs?: number;
  /** The default strategy, once the hop has asked for the hops before it and there are none. */
  reachedThrough?: HopName;
}

/** Builds the chain of a `use` value: each strategy dials through the one before it. @throws FdpassError `config` */
export async function buildChain(use: unknown, place: Place, scope: ChainScope): Promise<BuiltChain> {
  return await linkHops(await resolveHops(use, place, scope), undefined, scope);
}

/** Links a `use` value that is nested in the options of `hop`. */
async function linkUse(
  use: unknown,
  at: ValuePath | undefined,
  hop: Hop,
  before: Chain | undefined,
  outer: ChainScope,
): Promise<BuiltChain> {
  // What a strategy has made itself is not in the config, so a check of that leaves its mistakes to the strategy.
  const place = at === undefined ? { baseDir: hop.place.baseDir } : placeWithin(hop.place, ...at);
  const scope = at === undefined ? { ...outer, inspector: undefined } : outer;
  const link = async (): Promise<BuiltChain> =>
    await linkHops(await resolveHops(use, place, scope, hop.path), before, scope);
  return await orReport(scope, { hops: [], patienceMs: 0, summarize: async () => [], ...NO_FORWARD }, link);
}

/** The path to a value inside another; undefined if it is not in there, for example because a strategy made it. */
function pathTo(value: unknown, container: unknown): ValuePath | undefined {
  if (container === value) return [];
  if (typeof container !== 'object' || container === null) return undefined;
  for (const [key, inner] of Object.entries(container)) {
    const rest = pathTo(value, inner);
    if (rest !== undefined) return [Array.isArray(container) ? Number(key) : key, ...rest];
  }
  return undefined;
}

/** @param before The hops that lie before these; undefined at the network. */
async function linkHops(hops: readonly Hop[], before: Chain | undefined, scope: ChainScope): Promise<BuiltChain> {
  let forward = before;
  let last: GuardedDialer | undefined;
  const uses = new Map(hops.map((hop): [Hop, HopUse] => [hop, { routes: [] }]));
  for (const [index, [hop, use]] of [...uses].entries()) {
    last = await orReport(scope, last ?? NO_FORWARD, () => createHop(hop, forward, use, scope));
    const label = hops
      .slice(0, index + 1)
      .map(linkLabel)
      .join(' -> ');
    forward = { label, ...last };
  }
  if (last === undefined && scope.inspector !== undefined) last = NO_FORWARD; // all its hops have been reported
  if (last === undefined) throw new FdpassError('internal', 'the chain has no hops');
  const summarize = (): Promise<HopSummary[]> =>
    Promise.all([...uses].map(([hop, use]) => summarizeHop(hop, use, scope)));
  const patienceMs = Math.max(0, ...(await Promise.all([...uses.values()].map(patienceOf))));
  return { label: hops.map(linkLabel).join(' -> '), hops: hops.map(nameOf), patienceMs, summarize, ...last };
}

/** How long a hop, or a route inside of it, may take. */
async function patienceOf({ routes, patienceMs = 0 }: HopUse): Promise<number> {
  const inner = routes.map(({ chain }) => chain.then((built) => built.patienceMs).catch(() => 0));
  return Math.max(patienceMs, ...(await Promise.all(inner)));
}

function labelOf({ label, entry }: Hop): string {
  return label ?? entry.name;
}

/** A chain's label also says which host a hop names, since that tells routes of one kind apart. */
function linkLabel(hop: Hop): string {
  const { host } = hop.options;
  const label = labelOf(hop);
  return typeof host === 'string' && label === hop.entry.name ? `${label} ${showHost(host)}` : label;
}

function nameOf(hop: Hop): HopName {
  return { strategy: hop.entry.name, label: labelOf(hop) };
}

async function summarizeHop(hop: Hop, { reachedThrough, routes }: HopUse, scope: ChainScope): Promise<HopSummary> {
  const { showOptions, showOptionPath } = await import('./show-hops.js'); // only explain asks
  const summaries = routes.map(async ({ at, chain }): Promise<RouteSummary[]> => {
    const built = await chain.catch(() => undefined); // of no use to the strategy either
    if (built === undefined) return [];
    const shown = at && (await showOptionPath(at, hop, scope));
    return [{ ...(shown && { at: shown }), hops: await built.summarize() }];
  });
  const inner = (await Promise.all(summaries)).flat();
  return {
    ...nameOf(hop),
    options: await showOptions(hop, scope),
    ...(reachedThrough && { reachedThrough }),
    ...(inner.length > 0 && { routes: inner }),
  };
}

async function createHop(hop: Hop, before: Chain | undefined, use: HopUse, outer: ChainScope): Promise<GuardedDialer> {
  const origin = outer.registry.originOf(hop.entry);
  try {
    const strategy = await outer.registry.load(hop.entry);
    if (strategy.firstOnly === true && before !== undefined) throw notFirst(hop);
    const options = await checkOptions(strategy, hop, outer.registry);
    const settings = await readSettings(hop);
    if (strategy.firstOnly === true && settings.resolve === 'there') throw nothingThere(hop);
    const scope = await withNames(outer, settings);
    await scope.inspector?.see(hop, strategy);
    const isFirst = strategy.firstOnly === true || hop.entry.name === scope.defaultStrategy; // nothing is before the default
    const implied = isFirst || before !== undefined ? undefined : await defaultChain(scope);
    const place = placeOfHop(hop, { before, implied, origin, use }, scope);
    const dialer = await strategy.create(options, createStrategyHost(place, scope.services));
    const { targets } = strategy;
    const { label } = hop;
    const { isImplied } = hop.place;
    const expectation = expectationOf(settings);
    const { clock } = scope.services;
    const guarded = guardDialer(dialer, { label, isImplied, origin, targets, clock, expectation });
    const found = { ...guarded, dial: await dialByName(guarded.dial, settings, scope) };
    const { retry } = settings;
    use.patienceMs = Math.max(dialer.patienceMs ?? 0, retry?.withinMs ?? 0);
    if (retry === undefined) return found;
    const { dialAgain } = await import('./dial-again.js'); // few hops are tried again
    return { ...found, dial: dialAgain(found.dial, retry, scope.services) };
  } catch (error) {
    throw await withPlace(withHop(error, hop, origin), hop.place);
  }
}

/** What lies around a hop. */
interface HopSurroundings {
  /** The hops before it; undefined at the network. */
  readonly before: Chain | undefined;
  /** What reaches it where there are none; undefined if nothing does. */
  readonly implied: Chain | undefined;
  readonly origin: string;
  /** Is told what the hop asks for. */
  readonly use: HopUse;
}

function placeOfHop(hop: Hop, { before, implied, origin, use }: HopSurroundings, scope: ChainScope): HostPlace {
  const forward = lendChain(before ?? implied ?? NO_FORWARD, origin);
  return {
    get forward() {
      if (before === undefined && implied !== undefined)
        use.reachedThrough = { strategy: scope.defaultStrategy, label: implied.label };
      return forward;
    },
    isFirst: before === undefined,
    route(written) {
      const at = pathTo(written, hop.options);
      const chain = linkUse(written, at, hop, before, scope);
      use.routes.push({ at, chain });
      const linking = chain.then((built) => lendChain(built, origin));
      linking.catch(() => {}); // a strategy that fails before it awaits this must not end the program
      return linking;
    },
    baseDir: hop.place.baseDir,
    socketDefaults: scope.socketDefaults,
    tlsDefaults: scope.tlsDefaults,
    namesAt: scope.namesAt,
  };
}

/** The scope of hops that look names up as these settings say. */
export async function withNames(
  scope: ChainScope,
  { dns: servers, resolve: namesAt }: DialSettings,
): Promise<ChainScope> {
  const placed = namesAt === undefined ? scope : { ...scope, namesAt };
  if (servers === undefined) return placed;
  const { nameServerResolver } = await import('../lookup/name-servers.js'); // few hops have their own
  const { services } = scope;
  return { ...placed, services: { ...services, resolve: nameServerResolver(servers, services) } };
}

/** A dial that looks its target's name up first, if these settings say so. */
export async function dialByName(
  dial: GuardedDialer['dial'],
  { resolve }: DialSettings,
  { services }: ChainScope,
): Promise<GuardedDialer['dial']> {
  if (resolve !== 'here') return dial;
  const { dialAddresses } = await import('./resolve-here.js'); // few hops do
  return dialAddresses(dial, services);
}

/** Core's own keys of a hop, checked and converted. @throws FdpassError `config` */
async function readSettings(hop: Hop): Promise<DialSettings> {
  if (hop.settings.length === 0) return {};
  const { checkSettings } = await import('./check-settings.js'); // few hops have any
  return checkSettings(hop.settings);
}

/** The default strategy with no options, for the first proxy of a chain. The user did not write it, so no error names it. */
async function defaultChain(scope: ChainScope): Promise<Chain> {
  const entry = scope.registry.entry(scope.defaultStrategy);
  const hop: Hop = { entry, options: {}, settings: [], label: undefined, place: IMPLIED, path: [] };
  return { label: entry.name, ...(await createHop(hop, undefined, { routes: [] }, scope)) };
}

/** The place of what the user has not written. */
export const IMPLIED: Place = { baseDir: '/', isImplied: true };

const NO_FORWARD: Chain & GuardedDialer = {
  label: 'nothing',
  dial: () => Promise.reject(new FdpassError('internal', 'there is no hop before the first one')),
  needsRelay: () => false,
  tls: () => undefined,
  explain: () => [],
};

function notFirst({ entry }: Hop): FdpassError {
  return new FdpassError('config', `${entry.name} opens sockets itself, so it can only be the first hop of a chain`, {
    hint: 'move it to the front or leave it out: hops are listed in travel order',
  });
}

function nothingThere({ entry }: Hop): FdpassError {
  return new FdpassError(
    'config',
    `"resolve: there" is for hops that connect through something, and ${entry.name} does not`,
    {
      hint: 'leave it out',
    },
  );
}

function withHop(error: unknown, { label }: Hop, origin: string): FdpassError {
  if (isFdpassError(error)) return addDetails(error, { hop: label });
  return new FdpassError('config', `${origin} failed to start: ${messageOf(error)}`, { hop: label, cause: error });
}
