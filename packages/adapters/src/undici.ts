import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type DialingOptions, dialFor, orDestroy, type SocketDialer } from './socket-dialer.js';

/** What undici asks its connector for. */
interface ConnectorRequest {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string | null | undefined;
}

/** How undici is told of the connection, or why there is none. */
type Connected = (...args: [error: null, socket: Socket | TLSSocket] | [error: Error, socket: null]) => void;

/** A connector as undici's `Agent`, `Client` and `Pool` take it under `connect`. */
export type UndiciConnector = (request: ConnectorRequest, connected: Connected) => void;

/** Options of {@link undiciConnector}. */
export interface UndiciConnectorOptions extends DialingOptions {
  /** Goes to `tls.connect` for https. */
  readonly tls?: ConnectionOptions | undefined;
  /** Milliseconds for the TLS handshake: undici has no limit for one that it does not make itself. Default 30,000. */
  readonly handshakeTimeout?: number | undefined;
}

const HANDSHAKE_MS = 30_000;

/** A connector for undici whose sockets come from `dialer`. undici owns the sockets. */
export function undiciConnector(
  dialer: SocketDialer,
  { tls, handshakeTimeout = HANDSHAKE_MS, ...options }: UndiciConnectorOptions = {},
): UndiciConnector {
  return (request, connected) => {
    const isSecure = request.protocol === 'https:';
    const host = request.hostname.replace(/^\[|\]$/g, '');
    const { servername } = request;
    dialFor(dialer, { host, port: request.port, defaultPort: isSecure ? 443 : 80 }, options)
      .then((socket): Socket | Promise<Socket> => {
        if (!isSecure) return socket;
        return secure(socket, { host, ...(servername && { servername }), ...tls }, handshakeTimeout);
      })
      .then(
        (socket) => connected(null, socket.setNoDelay(true)),
        (error: Error) => connected(error, null),
      );
  };
}

function secure(socket: Socket, options: ConnectionOptions, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = orDestroy(socket, () => connect({ ALPNProtocols: ['http/1.1'], ...options, socket }));
    const late = (): void => void secured.destroy(tooLate(options.host, timeoutMs));
    const limit = setTimeout(late, timeoutMs);
    const settle = (error?: Error): void => {
      clearTimeout(limit);
      secured.off('error', settle);
      if (error === undefined) resolve(secured);
      else reject(error);
    };
    secured.once('error', settle).once('secureConnect', () => settle());
  });
}

function tooLate(host: string | undefined, timeoutMs: number): Error {
  const message = `${host} did not answer the TLS handshake within ${timeoutMs} ms`;
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
