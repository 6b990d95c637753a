/*
 * What is needed where a config has been kept by an earlier run: a fraction of what reading one takes. A bundle may keep
 * it in a file of its own.
 */
export { readKept } from './config/cache.js';
export { compileRules } from './rules/rule-index.js';
