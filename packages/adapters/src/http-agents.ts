import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type DialingOptions, dialFor, orDestroy, type SocketDialer } from './socket-dialer.js';

type Created = (error: Error | null, socket: Duplex) => void;

/** What Node hands to `createConnection`: the request's own options, with the agent's. */
type ConnectionRequest = ClientRequestArgs & { readonly signal?: AbortSignal };

/** Node's own `createConnection`. */
type Create = (request: object, created?: Created) => Duplex;

/** An `http.Agent` whose sockets come from `dialer`; everything else (keep-alive, limits) is Node's. The sockets are the agent's. */
export function httpAgent(dialer: SocketDialer, options: AgentOptions & DialingOptions = {}): HttpAgent {
  const agent = new HttpAgent(options);
  const createDirectly = HttpAgent.prototype.createConnection as unknown as Create;
  return Object.assign(agent, {
    createConnection(request: ConnectionRequest, created: Created): Duplex | undefined {
      if (request.socketPath) return createDirectly.call(agent, request, created); // a unix socket, and not a host
      dialFor(dialer, request, options).then((socket) => created(null, socket), reject(created));
      return undefined;
    },
  });
}

/** An `https.Agent` whose sockets come from `dialer`. TLS, its options and its session cache are Node's. */
export function httpsAgent(dialer: SocketDialer, options: HttpsAgentOptions & DialingOptions = {}): HttpsAgent {
  const agent = new HttpsAgent(options);
  const overTls = HttpsAgent.prototype.createConnection as unknown as Create;
  return Object.assign(agent, {
    createConnection(request: ConnectionRequest, created: Created): Duplex | undefined {
      if (request.socketPath) return overTls.call(agent, request, created); // a unix socket, and not a host
      dialFor(dialer, request, options)
        .then((socket) => orDestroy(socket, () => overTls.call(agent, { ...request, socket })))
        .then((secured) => created(null, secured), reject(created));
      return undefined;
    },
  });
}

/** Node's types demand a socket beside the error; there is none. */
function reject(created: Created): (error: Error) => void {
  return (error) => created(error, undefined as unknown as Duplex);
}
