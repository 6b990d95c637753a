import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { type DialContext, noTrace, type StrategyHost, systemClock, type TraceEvent } from '@fdpass/core';

/* Real listeners on loopback for the integration specs. (The name keeps this out of the published package.) */

export const HOST: StrategyHost = {
  socketDefaults: {},
  baseDir: '/',
  route: () => {
    throw new Error('not used');
  },
};

/** A server that greets every client and then reads until it goes. */
export class Greeter {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => {
      this.#clients.add(client);
      client.on('error', () => {});
      client.on('close', () => this.#clients.delete(client));
      client.resume();
      client.write('SSH-2.0-greeter\r\n');
    });
  }

  /** undefined if this machine has no such address. */
  static async listen(host: string): Promise<Greeter | undefined> {
    const server = createServer();
    const greeter = new Greeter(server);
    server.listen(0, host);
    try {
      await once(server, 'listening');
      return greeter;
    } catch {
      return undefined;
    }
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    await closed;
  }
}

/** A loopback port where nobody listens. */
export async function refusedPort(): Promise<number> {
  const greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
  const { port } = greeter;
  await greeter.close();
  return port;
}

export function contextOf(signal: AbortSignal = new AbortController().signal, events?: TraceEvent[]): DialContext {
  return { signal, clock: systemClock, trace: events === undefined ? noTrace : (event) => void events.push(event) };
}

export async function firstLine(socket: Socket): Promise<string> {
  const arriving = once(socket, 'data');
  socket.resume();
  const [chunk] = (await arriving) as [Buffer];
  return chunk.toString();
}

/** Closes the sockets and waits until this process has as many descriptors as before; the test's time-out bounds it. */
export async function expectNoDescriptorLeft(before: number, ...sockets: readonly unknown[]): Promise<void> {
  for (const socket of sockets) if (socket instanceof Socket) socket.destroy();
  while (openDescriptors() > before) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** 0 where the system does not tell. */
export function openDescriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
}
