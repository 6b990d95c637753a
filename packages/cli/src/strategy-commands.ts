/* The commands for whoever chooses or writes strategies: one bundle, since both need all of a framework. */
export { testStrategyFile } from './compliance/test-strategy.js';
export { strategies } from './strategies.js';
