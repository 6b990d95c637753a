export type { SocksOptions } from './options.js';
export { SocksReplyError } from './reply.js';
export { socks } from './socks.js';
