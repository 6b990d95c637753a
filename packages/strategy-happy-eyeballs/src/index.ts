export { createHappyEyeballs, happyEyeballs, type HappyEyeballsParts, type OpenSocket } from './happy-eyeballs.js';
export type { HappyEyeballsOptions } from './options.js';
