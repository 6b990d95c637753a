import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Place } from './subject.js';

/** Where tunnels lead: greets (or not) whoever connects, and sends back what it gets until that ends. */
export class Origin {
  /** What it says first; empty for nothing. */
  banner = '';
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => {
      this.#clients.add(client);
      client.once('close', () => this.#clients.delete(client));
      client.on('error', () => client.destroy());
      if (this.banner !== '') client.write(this.banner);
      client.pipe(client);
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(): Promise<Origin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const origin = new Origin(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  /** Where it listens. */
  get place(): Place {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Cuts everything. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
