import { writeSync } from 'node:fs';
import { findSys } from '@fdpass/core/sockets';

const STDERR = 2;
/** As much as a pipe that can be written takes at once (PIPE_BUF). */
const CHUNK = 4096;
/** How long a reader can let us wait: a terminal that is slow is read on, a pipe that nobody reads is not. */
const PATIENCE_MS = 100;

/**
 * Writes a line to stderr, whatever state that is in: closed, full, or a pipe that nobody reads. Not through
 * process.stderr, which reports a failure only later, as an event, and makes a pipe non-blocking for all who share it.
 *
 * @throws a system error; EAGAIN if it would have to wait.
 */
export function writeStderr(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    if (findSys()?.isWritable(STDERR, PATIENCE_MS) === false)
      throw Object.assign(new Error('full'), { code: 'EAGAIN' });
    rest = rest.subarray(writeSync(STDERR, rest, 0, Math.min(CHUNK, rest.length)));
  }
}
