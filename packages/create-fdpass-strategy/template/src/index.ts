export { type StrategyOptions, strategy } from './strategy.js';
