import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type Chain,
  type Connection,
  type DialContext,
  FdpassError,
  formatError,
  isFdpassError,
  noTrace,
  type StrategyHost,
  type TraceEvent,
} from '@fdpass/core';
import {
  createStrategyHost,
  DEFAULT_SERVICES,
  type HostPlace,
  type HostServices,
  ownConnection,
} from '@fdpass/core/host';
import { isConnection, openConnection } from '@fdpass/core/sockets';
import { type Listening, listening } from './listening.js';

const NOWHERE: Chain = {
  label: 'nowhere',
  dial: () => Promise.reject(new FdpassError('internal', 'this test has no hop before')),
  needsRelay: () => false,
};

/** The network itself, as the first hop of a chain has it: one connect() to an IPv4 address. */
export const networkChain: Chain = {
  label: 'the network',
  dial: async ({ host, port }, context) =>
    ownConnection(await openConnection({ family: 4, host, port }, {}, context), context),
  needsRelay: () => false,
};

/** The host of a strategy under test: as core makes it, with other parts where a test gives them. */
export function testHost(parts: Partial<HostPlace & HostServices> = {}): StrategyHost {
  const {
    forward = NOWHERE,
    route = async () => forward,
    baseDir = '/',
    socketDefaults = {},
    tlsDefaults = {},
    ...more
  } = parts;
  const { isFirst = forward === NOWHERE, namesAt, ...services } = more;
  const place = { forward, isFirst, route, baseDir, socketDefaults, tlsDefaults, namesAt };
  return createStrategyHost(place, { ...DEFAULT_SERVICES, ...services });
}

/** What a dial under test gave, as a stream. */
export function streamOf(value: Connection | Duplex): Duplex {
  return isConnection(value) ? value.toStream() : value;
}

/** A server that greets every client and then reads until it goes. */
export class Greeter {
  readonly #listening: Listening;

  private constructor(listening: Listening) {
    this.#listening = listening;
  }

  /** undefined if this machine has no such address. */
  static async listen(host: string): Promise<Greeter | undefined> {
    const server = createServer((client) => void client.resume().write('SSH-2.0-greeter\r\n'));
    try {
      return new Greeter(await listening(server, { port: 0, host }));
    } catch {
      return undefined;
    }
  }

  /** Where it listens. */
  get port(): number {
    return this.#listening.port;
  }

  /** Destroys every client and stops listening. */
  close(): Promise<void> {
    return this.#listening.close();
  }
}

/** Below the ports that Linux, macOS and the BSDs give to those who ask for any, so that no other test gets one of these. */
const UNASSIGNED_PORTS = [10_000, 32_000] as const;

/** A loopback port where nobody listens. */
export async function refusedPort(): Promise<number> {
  const port = randomInt(...UNASSIGNED_PORTS);
  const socket = connect({ host: '127.0.0.1', port });
  const isRefused = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
  });
  socket.destroy();
  return isRefused ? port : refusedPort();
}

/** A dial's context: events are collected if a list is given. */
export function contextOf(signal: AbortSignal = new AbortController().signal, events?: TraceEvent[]): DialContext {
  return { signal, trace: events === undefined ? noTrace : (event) => void events.push(event) };
}

/** What a connection receives first. */
export async function firstLine(value: Connection | Duplex): Promise<string> {
  const stream = streamOf(value);
  const arriving = once(stream, 'data');
  stream.resume();
  const [chunk] = (await arriving) as [Buffer];
  stream.destroy();
  return chunk.toString();
}

/** What a dial rejects with, as `code: the line that people see`; a connection that comes instead is destroyed, and said. */
export async function refusalOf(dialling: Promise<Connection | Duplex>): Promise<string> {
  const error = await dialling.then(
    (value) => {
      value.destroy();
      return new Error('did not fail');
    },
    (reason: unknown) => reason,
  );
  return isFdpassError(error) ? `${error.code}: ${formatError(error)}` : String(error);
}
