import type { Socket } from 'node:net';

/** What the adapters need of a dialer: `createDialer` makes one, and anything else that connects will do. */
export interface SocketDialer {
  /** Resolves to a connected socket, which the client library owns and closes. */
  dial(
    target: { readonly host: string; readonly port: number | string },
    options?: { readonly signal?: AbortSignal | undefined; readonly timeout?: number | string | undefined },
  ): Promise<Socket>;
}

/** Said once for all connections of an adapter. */
export interface DialingOptions {
  /** Milliseconds, or a string such as `30s`, for each dial. Default: the dialer's. */
  readonly dialTimeout?: number | string | undefined;
}

/** Where a client library wants to connect to; it fills in more or less of this. */
interface Wanted {
  readonly host?: string | null | undefined;
  readonly hostname?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly defaultPort?: number | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dials what a client library asks for. An abort ends the dial; later it is the library that closes its socket. */
export function dialFor(dialer: SocketDialer, wanted: Wanted, { dialTimeout }: DialingOptions): Promise<Socket> {
  const host = wanted.host ?? wanted.hostname ?? 'localhost';
  const port = wanted.port || wanted.defaultPort || 80;
  return dialer.dial({ host, port }, { signal: wanted.signal, timeout: dialTimeout });
}

/** What `use` makes of a socket, which is destroyed if it throws: options of TLS can be wrong. */
export function orDestroy<T>(socket: Socket, use: () => T): T {
  try {
    return use();
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
