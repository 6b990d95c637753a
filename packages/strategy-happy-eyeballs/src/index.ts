export { happyEyeballs } from './happy-eyeballs.js';
export type { HappyEyeballsOptions } from './options.js';
