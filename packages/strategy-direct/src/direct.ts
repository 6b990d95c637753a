import type { Socket } from 'node:net';
import {
  allowedFamily,
  type DialContext,
  type Dialer,
  dialUnix,
  type Family,
  FdpassError,
  formatHostPort,
  fromSystemError,
  type HostAddress,
  isFdpassError,
  literalAddress,
  lookUp,
  messageOf,
  openSocket,
  type Resolver,
  type SocketAddress,
  type SocketOptions,
  type Strategy,
  unixPath,
} from '@fdpass/core';
import { type DirectOptions, optionsSchema } from './options.js';

/** What the strategy opens sockets with; tests put their own in place. */
export interface DirectParts {
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
  readonly family: Family | 0;
  readonly socket: SocketOptions;
  readonly resolve: Resolver | undefined;
  readonly open: OpenSocket;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** One connect() to one address: the first that the system's resolver gives. */
export const direct: Strategy<DirectOptions> = createDirect();

/** Makes the strategy with a resolver and a socket factory of one's own. */
export function createDirect(parts: DirectParts = {}): Strategy<DirectOptions> {
  const { resolve, open = openSocket } = parts;
  return {
    name: 'direct',
    opensSockets: true,
    optionsSchema,
    create({ host, port, family, ...own }, _forward, { socketDefaults }) {
      const socket = { ...socketDefaults, ...own };
      const setup: Setup = { family: allowedFamily(family, socket.bindAddress), socket, resolve, open };
      return createDialer(setup, (target) => ({ host: host ?? target.host, port: port ?? target.port }));
    },
  };
}

function createDialer(setup: Setup, placeOf: (target: Place) => Place): Dialer {
  return {
    async dial(target, context) {
      const place = placeOf(target);
      const path = unixPath(place.host);
      if (path !== undefined) return dialUnix(path, context, setup.open);
      const address = literalAddress(place.host, setup.family) ?? (await firstAddress(place.host, context, setup));
      return connect(place, address, context, setup);
    },
  };
}

/** The first address is the one getaddrinfo(3) thinks best (RFC 6724). */
async function firstAddress(host: string, context: DialContext, { family, resolve }: Setup): Promise<HostAddress> {
  const [first] = await lookUp(host, family, context, resolve);
  return first as HostAddress; // there is at least one
}

async function connect(
  place: Place,
  address: HostAddress,
  context: DialContext,
  { socket, open }: Setup,
): Promise<Socket> {
  const { clock, signal, trace } = context;
  const shown = formatHostPort(address.host, place.port);
  const startedAt = clock.now();
  const report = (event: string, details: object = {}): void =>
    trace({ event, address: shown, ms: clock.now() - startedAt, ...details });
  trace({ event: 'attempt', address: shown });
  try {
    const stream = await open({ ...address, port: place.port }, socket, { signal });
    report('connected');
    return stream;
  } catch (error) {
    report('attempt-failed', { reason: messageOf(error) });
    throw signal.aborted ? signal.reason : connectError(place, shown, error);
  }
}

function connectError(place: Place, address: string, error: unknown): FdpassError {
  const { code, hint, message } = isFdpassError(error) ? error : fromSystemError(error);
  return new FdpassError(code, `cannot connect to ${formatHostPort(place.host, place.port)}: ${message}`, {
    hint,
    attempts: [{ address, reason: message }],
    cause: error,
  });
}
