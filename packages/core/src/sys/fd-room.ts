/*
 * Room for descriptors, on Linux. When the number of a new descriptor does not fit into the table of the process, the kernel
 * makes a larger one, and in a process with threads it waits until no processor can still be looking at the old one
 * (expand_fdtable() in fs/file.c, synchronize_rcu()). That takes 5 to 20 ms at each power of two from 64, in which socket(2)
 * stands still, and the event loop with it. So a thread of libuv has the table enlarged before it is full.
 */

/** The smallest table of Linux. */
const SMALLEST = 64;
const FACTOR = 8;

/** Keeps half of the descriptor table free, as far as our own descriptors show how full it is. */
export class DescriptorRoom {
  readonly #enlarge: (size: number) => void;
  /** The size last asked for. */
  #size = SMALLEST;

  /** @param enlarge Has another thread enlarge the table to that size, or as far as the limit of the process allows. */
  constructor(enlarge: (size: number) => void) {
    this.#enlarge = enlarge;
  }

  /** To be called with new descriptors: those get the lowest number that is free, so they show how full the table is. */
  opened(fd: number): void {
    if (fd < this.#size / 2) return;
    while (fd >= this.#size / 2) this.#size *= FACTOR;
    this.#enlarge(this.#size);
  }
}

/**
 * Enlarges the table by dup2(2), which makes room for the number of the copy before it looks whether there is anything to copy.
 * There is not (-1), so it fails, and nothing is opened or closed. It makes no room for numbers beyond the limit (setrlimit(2),
 * RLIMIT_NOFILE), so smaller ones follow, down to the first that did not fit before. Those that fit by then change nothing.
 *
 * @param dup2 Calls it in another thread.
 */
export function enlargeTable(size: number, dup2: (from: number, to: number, done: () => void) => void): void {
  const tryNext = ([number, ...smaller]: readonly number[]): void => {
    if (number !== undefined) dup2(-1, number, () => tryNext(smaller));
  };
  tryNext([size - 1, size / 2 - 1, size / 4 - 1, size / FACTOR]);
}
