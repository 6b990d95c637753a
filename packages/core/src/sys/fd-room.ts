/*
 * Room for descriptors, on Linux. When the number of a new descriptor does not fit into the table of the process, the kernel makes
 * a larger one, and in a process with threads it waits until no processor can still be looking at the old one (expand_fdtable() in
 * fs/file.c, synchronize_rcu()). That takes 5 to 20 ms at 64, 256, 512, 1024 and so on, in which socket(2) stands still, and the event
 * loop with it. So a thread of libuv has the table enlarged before it is full.
 */

/** The smallest table of Linux. */
const SMALLEST = 64;
const FACTOR = 8;

/** Keeps half of the descriptor table free, as far as our own descriptors show how full it is. */
export class DescriptorRoom {
  readonly #enlarge: (size: number) => void;
  /** It has been made so large, or is being made so. */
  #size = SMALLEST;

  /** @param enlarge Has the table enlarged to that size by another thread, as far as the process may have so many descriptors. */
  constructor(enlarge: (size: number) => void) {
    this.#enlarge = enlarge;
  }

  /** Call it with each new descriptor. They get the lowest number that is free. */
  opened(fd: number): void {
    if (fd < this.#size / 2) return;
    while (fd >= this.#size / 2) this.#size *= FACTOR;
    this.#enlarge(this.#size);
  }
}

/**
 * Enlarges the table by dup2(2), which makes room for the number of the copy before it looks whether there is anything to copy. There is
 * not (-1), so it fails, and nothing is opened or closed. It makes no room where the limit is lower (setrlimit(2), RLIMIT_NOFILE): so
 * the half and the quarter follow, which do nothing more if the first has made enough.
 *
 * @param dup2 Calls it in another thread.
 */
export function enlargeTable(size: number, dup2: (from: number, to: number, done: () => void) => void): void {
  dup2(-1, size - 1, () => dup2(-1, size / 2 - 1, () => dup2(-1, size / 4 - 1, () => {})));
}
