/*
 * For code that runs before a program does: what connects a socket of Node's by a dial, without what dials.
 */
export { canConnectLate, connectLate, isLate, type LateDial, type LateOptions } from './embed/late-socket.js';
export { keepDialsApart } from './embed/own-dials.js';
export { prepareToLoad } from './ground/loading.js';
export { otherRuntime } from './ground/runtime.js';
