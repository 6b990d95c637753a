import type { ChildRequest } from '../connection/child.js';
import type { Connection } from '../connection/connection.js';
import { openConnection, type SocketAddress } from '../connection/open.js';
import type { SocketOptions } from '../connection/socket-options.js';
import type { Candidate } from '../dial/attempt.js';
import { type Chain, type DialContext, dialledTarget, ownConnection } from '../dial/dialer.js';
import { DEFAULT_LIMIT_MS, expectedHere, SSH_PORT } from '../dial/expectation.js';
import { type Lifetime, shortLifetime } from '../dial/lifetime.js';
import { type Candidates, type RaceOptions, race } from '../dial/race.js';
import type { ResolvePlace } from '../dial/settings.js';
import { noWinners, type Winners } from '../dial/winners.js';
import { abortStateOf, Cancellable } from '../ground/abortable.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { expandPath, homeIn } from '../ground/files.js';
import type { Trace } from '../ground/trace.js';
import { lookUp } from '../lookup/look-up.js';
import { type CompareAddresses, compareAddresses } from '../lookup/preference.js';
import { type Resolver, systemResolver } from '../lookup/resolver.js';
import type { CredentialRequest, Credentials } from '../proxy/credentials.js';
import { noStandby, type Standby } from '../proxy/standby.js';
import type { TlsDefaults } from '../proxy/tls.js';
import type { RunOptions, StrategyHost } from '../strategy/strategy.js';

/** What the hosts of all strategies of one framework share; a program can replace any of it. */
export interface HostServices {
  /** What deadlines and delays run on. Default: the machine's clock. */
  readonly clock: Clock;
  /** How names are looked up. Default: the system's resolver. */
  readonly resolve: Resolver;
  /** Which of two addresses goes first. Default: as the system sorts them. */
  readonly compareAddresses: CompareAddresses;
  /** Makes one attempt; rejects with an FdpassError or the signal's reason, and then leaves nothing open. */
  readonly open: (
    address: SocketAddress,
    options: SocketOptions,
    context: DialContext & { readonly clock?: Clock },
  ) => Promise<Connection>;
  /** Finds the user name and password for a proxy. */
  readonly credentials: (request: CredentialRequest) => Promise<Credentials | undefined>;
  /** Default: the process's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From 0 up to but not including 1. Default: `Math.random`. */
  readonly random: () => number;
  /**
   * Called before a person is asked for a secret, and before a program gets the terminal. What it throws ends the hop. Default:
   * nothing.
   */
  readonly beforeAsking: () => void;
  /** Makes connections in advance. Default: nothing does. */
  readonly standby: Standby;
  /** Remembers which candidates have won. Default: nothing does. */
  readonly winners: Winners;
  /** Default: it ends after the hand-over. */
  readonly lifetime: Lifetime;
}

/** What every service is where the program does not replace it. */
export const DEFAULT_SERVICES: HostServices = {
  clock: systemClock,
  resolve: systemResolver,
  compareAddresses,
  open: openConnection,
  credentials: findCredentials,
  environment: process.env,
  random: Math.random,
  beforeAsking: () => {},
  standby: noStandby,
  winners: noWinners,
  lifetime: shortLifetime,
};

/** Most proxies want none: then nothing is loaded. */
async function findCredentials(request: CredentialRequest): Promise<Credentials | undefined> {
  const { options, username, password } = request;
  if (options === undefined && username === undefined && password === undefined) return undefined;
  return (await import('../proxy/credentials.js')).resolveCredentials(request);
}

/** Where a strategy's host stands: the hops before it, and what a nested route means there. */
export interface HostPlace {
  /** See {@link StrategyHost.forward}. */
  readonly forward: Chain;
  /** See {@link StrategyHost.isFirst}. */
  readonly isFirst: boolean;
  /** See {@link StrategyHost.route}. */
  readonly route: (use: unknown) => Promise<Chain>;
  /** Where relative paths start, and where children run. */
  readonly baseDir: string;
  /** Of the config's `defaults`. */
  readonly socketDefaults: SocketOptions;
  /** Of the config's `defaults`. */
  readonly tlsDefaults: TlsDefaults;
  /** See {@link StrategyHost.namesAt}. */
  readonly namesAt?: ResolvePlace | undefined;
}

/** The host that one hop's strategy is created with. */
export function createStrategyHost(place: HostPlace, services: HostServices = DEFAULT_SERVICES): StrategyHost {
  const { clock, resolve, environment, beforeAsking } = services;
  const { isFirst, route, baseDir, socketDefaults, tlsDefaults } = place;
  const path = (written: string): string => expandPath(written, baseDir, homeIn(environment));
  return {
    get forward() {
      return place.forward; // whoever explains a route wants to know which hops ask for it
    },
    isFirst,
    namesAt: place.namesAt,
    nameServers: resolve.servers,
    route,
    baseDir,
    socketDefaults,
    tlsDefaults,
    clock,
    environment,
    random: services.random,
    standby: services.standby,
    winners: services.winners,
    lifetime: services.lifetime,
    path,
    compareAddresses: services.compareAddresses,
    lookUp: (host, family, context) => lookUp(host, family, context, { clock, resolve }),
    open: (address, options, context) => {
      const opening = services.open(address, options, new OpenContext(context, clock));
      return opening.then((connection) => ownConnection(connection, context));
    },
    startTls: async (connection, name, context, tls) => {
      const { wrapTls } = await import('../proxy/tls.js'); // few strategies need it
      const { signal, trace } = context;
      const request = { host: name, options: tls, path, signal, trace };
      return ownConnection(await wrapTls(connection, request), context);
    },
    race: (candidates, options, context) =>
      options.of === 'route' && isLookedAt(context)
        ? raceLooking(candidates, options, context, clock)
        : race(candidates, options, context, clock),
    credentials: ({ options, username, password, host, port }, { signal, trace }) =>
      services.credentials({
        options,
        username,
        password,
        host,
        port,
        baseDir,
        signal,
        trace,
        environment,
        beforeAsking,
      }),
    spawn: async (argv, context, options = {}) => {
      const { spawnConnection } = await import('../connection/spawn.js'); // few routes run programs
      const { signal, trace } = context;
      if (options.terminal === true) reportAsking(services, context);
      const request = {
        ...options,
        patienceMs: patienceFor(context, options.patienceMs),
        argv,
        baseDir,
        log: options.log === undefined ? undefined : path(options.log),
        environment,
        target: dialledTarget(context),
      };
      return ownConnection(await spawnConnection(request, { signal, trace, clock }), context);
    },
    run: (argv, context, options) => runProgram({ argv, baseDir, ...options }, context, services),
    error: (code, message, details) => new FdpassError(code, message, details),
  };
}

/** What an attempt is given of the context of its dial. */
class OpenContext extends Cancellable {
  readonly trace: Trace;
  readonly clock: Clock;

  constructor(context: DialContext, clock: Clock) {
    super(abortStateOf(context));
    this.trace = context.trace;
    this.clock = clock;
  }
}

/** Runs a program for a dial, see {@link StrategyHost.run}. */
export async function runProgram(
  request: RunOptions & Pick<ChildRequest, 'argv' | 'baseDir' | 'target'>,
  context: DialContext,
  services: HostServices,
): Promise<void> {
  const { runToEnd } = await import('../connection/run-to-end.js'); // few routes run programs
  if (request.terminal === true) reportAsking(services, context);
  const { clock, environment } = services;
  const { signal, trace } = context;
  await runToEnd({ target: dialledTarget(context), ...request, environment }, { signal, trace, clock });
}

function reportAsking({ beforeAsking }: HostServices, { trace }: DialContext): void {
  beforeAsking();
  trace({ event: 'asking', for: 'a program that can use the terminal' });
}

/** How long a program to an ssh server has for its first byte. It comes by itself, so this is no delay, even for a slow login. */
const SSH_PATIENCE_MS = 10_000;

/**
 * A program whose server has to greet has as long for its first byte: if it fails before, it can say why. At port 22 servers
 * greet. Undefined: as for any program.
 */
function patienceFor(context: DialContext, given: number | undefined): number | undefined {
  const expectation = expectedHere(context);
  if (expectation?.prefixes) return expectation.limitMs ?? DEFAULT_LIMIT_MS;
  const isSsh = dialledTarget(context)?.port === SSH_PORT && expectation?.prefixes !== false;
  return given ?? (isSsh ? SSH_PATIENCE_MS : undefined);
}

/** Whether it matters what the server of a dial says first. */
function isLookedAt(context: DialContext): boolean {
  return expectedHere(context) !== undefined || dialledTarget(context)?.port === SSH_PORT;
}

async function raceLooking<T extends { destroy(reason?: unknown): void }>(
  candidates: Candidates<T> | readonly Candidate<T>[],
  options: RaceOptions,
  context: DialContext,
  clock: Clock,
): Promise<T> {
  const { raceRoutes } = await import('../dial/route-race.js'); // most dials have one route
  const isSsh = dialledTarget(context)?.port === SSH_PORT;
  return raceRoutes(candidates, options, context, clock, expectedHere(context), isSsh);
}
