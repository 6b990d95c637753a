/*
 * What is needed only where there is a config. The YAML parser and the validation are most of the program, so that the
 * container loads this when a config file exists; a bundle may keep it in a file of its own.
 */

export { compileRules } from '../rules/rule-table.js';
export { loadConfig } from './load.js';
