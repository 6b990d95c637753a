export { direct } from './direct.js';
export type { DirectOptions } from './options.js';
