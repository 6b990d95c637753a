import { errnoName } from '../ground/system-error.js';
import type { Sys } from './sys.js';

const STANDARD = [0, 1, 2];

/**
 * Becomes a program (execvp(3)), which has copies of descriptors under the numbers that are the keys of `copies`, and the
 * standard streams where `copies` has nothing else. Whatever else this process has open is closed.
 *
 * @param copies The numbers that the program knows, and what each is to be a copy of.
 * @throws A system error if it cannot be run. All descriptors are as before then, so that it can be reported as usual.
 */
export function becomeProgram(
  argv: readonly [string, ...string[]],
  copies: ReadonlyMap<number, number>,
  sys: Sys,
): never {
  // Node can have something of its own under these numbers, without which it could not even say what failed.
  const saved = [...copies.keys()].map((fd) => [fd, saveDescriptor(fd, sys)] as const);
  try {
    for (const [fd, source] of copies) if (fd !== source) sys.replace(fd, source);
    for (const fd of new Set([...STANDARD, ...copies.keys()])) inherit(fd, sys);
    return sys.execute(argv);
  } catch (error) {
    for (const [fd, copy] of saved) restoreDescriptor(fd, copy, sys);
    throw error;
  }
}

/** A copy; undefined if nothing is open under that number. */
function saveDescriptor(fd: number, sys: Sys): number | undefined {
  return ifOpen(() => sys.dup(fd));
}

function restoreDescriptor(fd: number, copy: number | undefined, sys: Sys): void {
  if (copy === undefined) return void ifOpen(() => sys.close(fd));
  sys.replace(fd, copy);
  sys.setCloseOnExec(fd);
  sys.close(copy);
}

/** Node keeps what it was started with to itself. */
function inherit(fd: number, sys: Sys): void {
  ifOpen(() => sys.setCloseOnExec(fd, false));
}

function ifOpen<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (errnoName(error) === 'EBADF') return undefined;
    throw error;
  }
}
