export { type ConnectArguments, type ConnectTarget, readConnectArguments } from './connect-arguments.js';
export { httpAgent, httpsAgent } from './http-agents.js';
export { createConnection, LazySocket, pgStream } from './lazy-socket.js';
export type { DialingOptions, SocketDialer } from './socket-dialer.js';
export { type UndiciConnector, type UndiciConnectorOptions, undiciConnector } from './undici.js';
export { webAgent } from './web-agent.js';
