import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type DialingOptions, dialFor, type SocketDialer } from './socket-dialer.js';

type Created = (error: Error | null, socket: Duplex) => void;

/** What Node hands to `createConnection`: the request's own options, with the agent's. */
type ConnectionRequest = ClientRequestArgs & { readonly signal?: AbortSignal };

/** An `http.Agent` whose sockets come from `dialer`; everything else (keep-alive, limits) is Node's. The sockets are the agent's. */
export function httpAgent(dialer: SocketDialer, options: AgentOptions & DialingOptions = {}): HttpAgent {
  const agent = new HttpAgent(options);
  return Object.assign(agent, {
    createConnection(request: ConnectionRequest, created: Created): undefined {
      dialFor(dialer, request, options).then((socket) => created(null, socket), reject(created));
    },
  });
}

/** An `https.Agent` whose sockets come from `dialer`. TLS, its options and its session cache are Node's. */
export function httpsAgent(dialer: SocketDialer, options: HttpsAgentOptions & DialingOptions = {}): HttpsAgent {
  const agent = new HttpsAgent(options);
  const overTls = HttpsAgent.prototype.createConnection as unknown as (request: object) => Duplex;
  return Object.assign(agent, {
    createConnection(request: ConnectionRequest, created: Created): undefined {
      dialFor(dialer, request, options).then(
        (socket) => created(null, overTls.call(agent, { ...request, socket })),
        reject(created),
      );
    },
  });
}

/** Node's types demand a socket beside the error; there is none. */
function reject(created: Created): (error: Error) => void {
  return (error) => created(error, undefined as unknown as Duplex);
}
