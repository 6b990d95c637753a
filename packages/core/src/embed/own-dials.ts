/** Runs `work`, and everything that it starts, so that connections made until it ends are left as they are. */
type Apart = <T>(work: () => Promise<T>) => Promise<T>;

/** A program can have two copies of this package: both must know. */
const APART = Symbol.for('fdpass.apart.v1');

const shared = globalThis as { [APART]?: Apart };

/** Says how dials are kept apart, in a program whose connections all go by rules: else a dial would lead to another dial. */
export function keepDialsApart(apart: Apart): void {
  shared[APART] = apart;
}

/** Runs a dial: strategies, and plugins too, can connect by `net.connect` in it. */
export function apartFromRules<T>(work: () => Promise<T>): Promise<T> {
  const apart = shared[APART];
  return apart === undefined ? work() : apart(work);
}
