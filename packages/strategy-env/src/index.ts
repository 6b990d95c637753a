export { createEnv, type EnvOptions, env } from './env.js';
