import { once } from 'node:events';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';

/** A server in this process that listens. */
export interface Listening {
  /** Where; 0 for a unix socket. */
  readonly port: number;
  /** Cuts every connection and stops listening. May be called twice. */
  close(): Promise<void>;
}

/** Listens, by default on a free port of 127.0.0.1, and keeps track of the connections so that all can be cut. */
export async function listening(
  server: Server,
  where: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  });
  server.listen(where);
  await once(server, 'listening');
  const address = server.address() as AddressInfo | string;
  return {
    port: typeof address === 'string' ? 0 : address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
