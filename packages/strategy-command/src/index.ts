export { type CommandOptions, command } from './command.js';
export { type JumpOptions, jump } from './jump.js';
