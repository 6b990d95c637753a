export type { SocksOptions } from './options.js';
export { SocksReplyError } from './reply.js';
export { createSocks, type SocksParts, socks } from './socks.js';
