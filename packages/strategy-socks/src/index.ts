export type { SocksOptions } from './options.js';
export { SocksReplyError } from './reply.js';
export { createSocks, socks, type SocksParts } from './socks.js';
