import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { ByteSource } from './byte-source.js';

/** A proxy in this process, on a free port of 127.0.0.1. It asks nobody for addresses: `localhost` is 127.0.0.1. */
export interface TestProxy {
  /** Where it listens. */
  readonly port: number;
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

/** A certificate and its key, as PEM: the proxy is then spoken to over TLS. */
export interface ProxyTls {
  /** The certificate. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/** What a proxy's conversation does with a client. */
export interface Conversation {
  readonly source: ByteSource;
  readonly client: Socket;
  /** Connects to where the client wants to go. */
  reach(host: string, port: number): Promise<Socket>;
}

/** Starts a proxy whose clients are talked to by `talk`, which gives the connection to be joined to, or nothing. */
export async function startProxy(
  talk: (conversation: Conversation) => Promise<Socket | undefined>,
  tls?: ProxyTls,
): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const track = <S extends Socket>(socket: S): S => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const serve = async (client: Socket): Promise<void> => {
    const source = new ByteSource(track(client));
    const far = await talk({ source, client, reach: (host, port) => reach(host, port, track) });
    if (far === undefined) return void client.end();
    join(source.release(), far);
  };
  const accept = (client: Socket): void => void serve(client).catch(() => client.destroy());
  // Half-open below TLS, a client that goes in the middle of its handshake would never be gone.
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true }, accept)
      : createTlsServer({ noDelay: true, ...tls }, accept).on('connection', track);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function reach(host: string, port: number, track: (socket: Socket) => Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const address = host === 'localhost' ? '127.0.0.1' : host;
    const far = track(connect({ host: address, port, allowHalfOpen: true, noDelay: true }));
    far.once('error', reject).once('connect', () => resolve(far));
  });
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroySoon());
}
