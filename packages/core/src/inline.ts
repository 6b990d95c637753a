/*
 * For programs whose rules are in code: a dialer, without anything that reads files. Bundlers find nothing of that from here.
 */
export { createDialer } from './embed/create-dialer.js';
