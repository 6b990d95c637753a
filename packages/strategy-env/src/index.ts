export { type EnvOptions, env } from './env.js';
