export { createEnv, env, type EnvOptions } from './env.js';
