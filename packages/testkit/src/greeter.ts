import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type DialContext,
  formatError,
  isFdpassError,
  noTrace,
  type StrategyHost,
  systemClock,
  type TraceEvent,
} from '@fdpass/core';
import { type Listening, listening } from './listening.js';

/** What a strategy is given besides its options, where it needs nothing of it. */
export const STRATEGY_HOST: StrategyHost = {
  socketDefaults: {},
  baseDir: '/',
  route: () => {
    throw new Error('not used');
  },
};

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

/** A loopback port where nobody listens. */
export async function refusedPort(): Promise<number> {
  const greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
  const { port } = greeter;
  await greeter.close();
  return port;
}

/** A dial's context: the real clock, and events kept if a list is given. */
export function contextOf(signal: AbortSignal = new AbortController().signal, events?: TraceEvent[]): DialContext {
  return { signal, clock: systemClock, trace: events === undefined ? noTrace : (event) => void events.push(event) };
}

/** What a socket receives first. */
export async function firstLine(socket: Socket): Promise<string> {
  const arriving = once(socket, 'data');
  socket.resume();
  const [chunk] = (await arriving) as [Buffer];
  return chunk.toString();
}

/** What a dial rejects with, as `code: the line that people see`; a stream that comes instead is destroyed, and said. */
export async function refusalOf(dialling: Promise<Duplex>): Promise<string> {
  const error = await dialling.then(
    (stream) => {
      stream.destroy();
      return new Error('did not fail');
    },
    (reason: unknown) => reason,
  );
  return isFdpassError(error) ? `${error.code}: ${formatError(error)}` : String(error);
}
