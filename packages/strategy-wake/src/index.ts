export { type WakeOptions, wake } from './wake.js';
