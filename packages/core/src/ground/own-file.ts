import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

const OTHERS_MAY_ANYTHING = 0o077;

/**
 * What is in a file that this user's programs alone can have written. It is looked at on the descriptor that is read.
 *
 * @throws A system error, or an Error if it is a link, no file, another user's, or others may read or write it.
 */
export function readOwnFile(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(fd);
    const isOurs = status.isFile() && status.uid === process.geteuid?.() && (status.mode & OTHERS_MAY_ANYTHING) === 0;
    if (!isOurs) throw new Error(`${path} is not ours`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
