import type { ClientRequest, ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent } from 'node:https';
import { httpAgent, httpsAgent } from './http-agents.js';
import type { DialingOptions, SocketDialer } from './socket-dialer.js';

/** What an agent is asked for a connection by. Node does not document it; agents of npm have relied on it for ten years. */
interface RequestTaker {
  addRequest(request: ClientRequest, options: ClientRequestArgs): void;
}

/** One agent for `http` and `https`, whose sockets come from `dialer`. The sockets are the agent's. */
export function webAgent(dialer: SocketDialer, options: AgentOptions & DialingOptions = {}): HttpsAgent {
  return new WebAgent(httpAgent(dialer, options), httpsAgent(dialer, options), options);
}

class WebAgent extends HttpsAgent implements RequestTaker {
  readonly #plain: HttpAgent;
  readonly #secure: HttpsAgent;

  constructor(plain: HttpAgent, secure: HttpsAgent, options: AgentOptions) {
    super(options);
    this.#plain = plain;
    this.#secure = secure;
    // Node reads them for each request, before it says anything about the request.
    Object.defineProperties(this, {
      protocol: { get: () => (isAskedByHttps() ? 'https:' : 'http:') },
      defaultPort: { get: () => (isAskedByHttps() ? 443 : 80) },
    });
  }

  addRequest(request: ClientRequest, options: ClientRequestArgs): void {
    const agent = request.protocol === 'https:' ? this.#secure : this.#plain;
    (agent as unknown as RequestTaker).addRequest(request, options);
  }

  override destroy(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

/** Whether the request that is being made is one of `https`: only the calls under way tell, as agent-base of npm found. */
function isAskedByHttps(): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 10;
  const { stack } = new Error('asked');
  Error.stackTraceLimit = stackTraceLimit;
  return String(stack).includes('(node:https:');
}
