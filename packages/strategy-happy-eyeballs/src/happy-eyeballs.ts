import type { Socket } from 'node:net';
import {
  allowedFamily,
  type DialContext,
  type Dialer,
  dialUnix,
  type Family,
  type HostAddress,
  literalAddress,
  lookUp,
  openSocket,
  type Resolver,
  type SocketAddress,
  type SocketOptions,
  type Strategy,
  type StrategyHost,
  type Target,
  unixPath,
} from '@fdpass/core';
import type { Course, Pace } from './course.js';
import { type HappyEyeballsOptions, optionsSchema } from './options.js';
import { race } from './race.js';

/** What the strategy opens sockets with; tests put their own in place. */
export interface HappyEyeballsParts {
  /** Default: the system's. */
  readonly resolve?: Resolver | undefined;
  /** One connect(). Default: core's `openSocket`. */
  readonly open?: OpenSocket | undefined;
}

/** Makes one attempt; rejects with an FdpassError, or with the reason of `signal`, and leaves nothing open then. */
export type OpenSocket = (
  address: SocketAddress,
  options: SocketOptions,
  dial: { signal: AbortSignal },
) => Promise<Socket>;

interface Setup {
  readonly pace: Pace;
  readonly family: Family | 0;
  readonly socket: SocketOptions;
  readonly resolve: Resolver | undefined;
  readonly open: OpenSocket;
}

/** Races all addresses of the target, both families, by RFC 8305. */
export const happyEyeballs: Strategy<HappyEyeballsOptions> = createHappyEyeballs();

/** Makes the strategy with a resolver and a socket factory of one's own. */
export function createHappyEyeballs(parts: HappyEyeballsParts = {}): Strategy<HappyEyeballsOptions> {
  const { resolve, open = openSocket } = parts;
  return {
    name: 'happy-eyeballs',
    opensSockets: true,
    optionsSchema,
    create: (options, _forward, host) => createDialer({ ...settingsOf(options, host), resolve, open }),
  };
}

function settingsOf(options: HappyEyeballsOptions, host: StrategyHost): Pick<Setup, 'pace' | 'family' | 'socket'> {
  const { attemptDelay, resolutionDelay, attemptTimeout, firstFamily, firstFamilyCount, family, ...own } = options;
  const socket = { ...host.socketDefaults, ...own };
  const pace: Pace = {
    attemptDelayMs: attemptDelay ?? 250,
    resolutionDelayMs: resolutionDelay ?? 50,
    attemptTimeoutMs: attemptTimeout,
    firstFamily: firstFamily ?? 6,
    firstFamilyCount: firstFamilyCount ?? 1,
  };
  return { pace, socket, family: allowedFamily(family, socket.bindAddress) };
}

function createDialer(setup: Setup): Dialer {
  return {
    async dial(target, context) {
      const path = unixPath(target.host);
      return path === undefined ? race(courseOf(target, context, setup)) : dialUnix(path, context, setup.open);
    },
  };
}

function courseOf(target: Target, context: DialContext, setup: Setup): Course {
  const { host, port } = target;
  const literal = literalAddress(host, setup.family);
  return {
    host,
    port,
    ...namesOf(host, literal, context, setup),
    connect: ({ family, host: address }, signal) =>
      setup.open({ family, host: address, port }, setup.socket, { signal }),
    pace: setup.pace,
    signal: context.signal,
    clock: context.clock,
    trace: context.trace,
  };
}

function namesOf(
  host: string,
  literal: HostAddress | undefined,
  context: DialContext,
  { family, resolve }: Setup,
): Pick<Course, 'families' | 'lookUp'> {
  if (literal !== undefined) return { families: [literal.family], lookUp: () => Promise.resolve([literal]) };
  return {
    families: family === 0 ? [6, 4] : [family], // §3: AAAA first, immediately followed by A
    lookUp: (wanted, signal) => lookUp(host, wanted, { ...context, signal }, resolve),
  };
}
