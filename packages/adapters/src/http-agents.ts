import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type DialingOptions, dialFor, orDestroy, type SocketDialer } from './socket-dialer.js';

type Created = (error: Error | null, socket: Duplex) => void;

/** What Node hands to `createConnection`: the request's own options, with the agent's. */
type ConnectionRequest = ClientRequestArgs & { readonly signal?: AbortSignal };

/** Node's own `createConnection`. */
type Create = (request: object, created?: Created) => Duplex;

/** An `http.Agent` whose sockets come from `dialer`; everything else (keep-alive, limits) is Node's. The sockets are the agent's. */
export function httpAgent(dialer: SocketDialer, options: AgentOptions & DialingOptions = {}): HttpAgent {
  const create = HttpAgent.prototype.createConnection as unknown as Create;
  return dialBy(dialer, options, new HttpAgent(options), create, (socket) => socket);
}

/** An `https.Agent` whose sockets come from `dialer`. TLS, its options and its session cache are Node's. */
export function httpsAgent(dialer: SocketDialer, options: HttpsAgentOptions & DialingOptions = {}): HttpsAgent {
  const agent = new HttpsAgent(options);
  const create = HttpsAgent.prototype.createConnection as unknown as Create;
  return dialBy(dialer, options, agent, create, (socket, request) =>
    orDestroy(socket, () => create.call(agent, { ...request, socket })),
  );
}

/**
 * The agent, with connections of `dialer`; a unix socket is not a host, and Node connects to it.
 *
 * @param create Node's own, for this kind of agent.
 * @param use Makes what the agent gets of a connection.
 */
function dialBy<T extends HttpAgent>(
  dialer: SocketDialer,
  options: DialingOptions,
  agent: T,
  create: Create,
  use: (socket: Socket, request: ConnectionRequest) => Duplex,
): T {
  return Object.assign(agent, {
    createConnection(request: ConnectionRequest, created: Created): Duplex | undefined {
      if (request.socketPath) return create.call(agent, request, created);
      dialFor(dialer, request, options)
        .then((socket) => use(socket, request))
        .then((used) => created(null, used), reject(created));
      return undefined;
    },
  });
}

/** Node's types demand a socket beside the error; there is none. */
function reject(created: Created): (error: Error) => void {
  return (error) => created(error, undefined as unknown as Duplex);
}
