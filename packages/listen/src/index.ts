export {
  DEFAULT_ADDRESS,
  formatListenAddress,
  isLocal,
  type ListenAddress,
  readListenAddress,
  type TcpAddress,
  type UnixAddress,
} from './address.js';
export { describeFailure } from './failure.js';
export type { Password } from './password.js';
export { type ClientDial, ProxyServer, type ProxyServerOptions } from './proxy-server.js';
export type { Protocol } from './request.js';
