export { type SrvOptions, srv } from './srv.js';
