export { createDirect, type DirectParts, direct, type OpenSocket } from './direct.js';
export type { DirectOptions } from './options.js';
