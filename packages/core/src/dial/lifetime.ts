/** The lifetime of the program that a strategy runs in. */
export interface Lifetime {
  /**
   * Keeps the program from ending by itself before this has settled. Undefined in one that ends as soon as it has handed its
   * connection over.
   */
  readonly keepAlive: ((work: Promise<unknown>) => void) | undefined;
}

/** Of a process that makes one dial. */
export const shortLifetime: Lifetime = { keepAlive: undefined };
