/** Time as the race and the deadlines see it; tests put a virtual one in its place. */
export interface Clock {
  /** Milliseconds from a fixed point, never going backwards. */
  now(): number;
  /** Calls `action` once after `delayMs`; the function that comes back cancels it and may be called at any time. */
  after(delayMs: number, action: () => void): () => void;
}

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now() {
    const [seconds, nanoseconds] = process.hrtime(); // not performance.now(): Node loads that when it is first used
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
