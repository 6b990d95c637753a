export { createDirect, direct, type DirectParts, type OpenSocket } from './direct.js';
export type { DirectOptions } from './options.js';
