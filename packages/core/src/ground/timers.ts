/*
 * Node's timers as they were when this was loaded. Tests of a program put others in their place, which stand still until the
 * test moves them on: dials must not.
 */

/** Node's own. */
export const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;

/** Node's own. */
export const clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout;

/** Node's own. */
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate;
