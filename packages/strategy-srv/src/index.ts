export { type ResolveSrv, createResolveSrv } from './servers.js';
export { createSrv, type SrvOptions, type SrvParts, srv } from './srv.js';
