import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type DialingOptions, dialFor, type SocketDialer } from './socket-dialer.js';

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

/** A connector for undici whose sockets come from `dialer`; `tls` goes to `tls.connect` for https. undici owns the sockets. */
export function undiciConnector(
  dialer: SocketDialer,
  { tls, ...options }: DialingOptions & { readonly tls?: ConnectionOptions | undefined } = {},
): UndiciConnector {
  return (request, connected) => {
    const isSecure = request.protocol === 'https:';
    const host = request.hostname.replace(/^\[|\]$/g, '');
    const { servername } = request;
    dialFor(dialer, { host, port: request.port, defaultPort: isSecure ? 443 : 80 }, options)
      .then((socket): Socket | Promise<Socket> => {
        return isSecure ? secure(socket, { host, ...(servername && { servername }), ...tls }) : socket;
      })
      .then(
        (socket) => connected(null, socket.setNoDelay(true)),
        (error: Error) => connected(error, null),
      );
  };
}

function secure(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({ ALPNProtocols: ['http/1.1'], ...options, socket });
    secured.once('error', reject).once('secureConnect', () => resolve(secured.off('error', reject)));
  });
}
