export { createResolveSrv, type ResolveSrv } from './servers.js';
export { createSrv, type SrvOptions, type SrvParts, srv } from './srv.js';
