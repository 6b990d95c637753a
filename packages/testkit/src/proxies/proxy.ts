import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Listening, listening } from '../listening.js';
import { ByteSource } from './byte-source.js';

/** A proxy in this process, on a free port of 127.0.0.1. It asks nobody for addresses: `localhost` is 127.0.0.1. */
export interface TestProxy extends Listening {
  /** What its clients have asked for, as `host:port`, in order. */
  readonly asked: readonly string[];
}

/** What a proxy of any kind can be told. */
export interface ProxyOptions {
  /** Names that it knows, with their addresses, or with an address and a port (`127.0.0.1:8080`). Default: only `localhost`. */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  /** Default: no TLS. */
  readonly tls?: ProxyTls | undefined;
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
  { tls, hosts = {} }: ProxyOptions = {},
): Promise<TestProxy> {
  const asked: string[] = [];
  const addresses = { localhost: '127.0.0.1', ...hosts };
  const serve = async (client: Socket): Promise<void> => {
    client.on('error', () => client.destroy());
    const source = new ByteSource(client);
    const far = await talk({
      source,
      client,
      reach(host, port) {
        asked.push(`${host}:${port}`);
        const place = addresses[host as keyof typeof addresses] ?? host;
        const [, address = place, at = port] = /^([\d.]+):(\d+)$/.exec(place) ?? [];
        return reach(client, address, Number(at));
      },
    });
    if (far === undefined) return void client.end();
    join(source.release(), far);
  };
  const accept = (client: Socket): void => void serve(client).catch(() => client.destroy());
  // Half-open below TLS, a client that goes in the middle of its handshake would never be gone.
  const server = await listening(
    tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true }, accept)
      : createTlsServer({ noDelay: true, ...tls }, accept),
  );
  return { ...server, asked };
}

/** The connection goes with the client that it is made for. */
function reach(client: Socket, host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
    client.once('close', () => far.destroy());
    far
      .on('error', () => far.destroy())
      .once('error', reject)
      .once('connect', () => resolve(far));
  });
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  other.once('close', () => one.destroySoon());
}
