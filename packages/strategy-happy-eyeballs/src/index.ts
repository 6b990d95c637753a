export { createHappyEyeballs, type HappyEyeballsParts, happyEyeballs, type OpenSocket } from './happy-eyeballs.js';
export type { HappyEyeballsOptions } from './options.js';
