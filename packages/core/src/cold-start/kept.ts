/*
 * What is needed where a config has been kept by an earlier run: a fraction of what reading one takes. A bundle may keep
 * it in a file of its own.
 */

export { compileRules } from '../rules/rule-table.js';
export { readKept } from './config-cache.js';
