export { httpAgent, httpsAgent } from './http-agents.js';
export { LazySocket, pgStream } from './lazy-socket.js';
export type { DialingOptions, SocketDialer } from './socket-dialer.js';
export { type UndiciConnector, undiciConnector } from './undici.js';
