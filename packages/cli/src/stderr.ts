import { writeSync } from 'node:fs';
import { reasonOf } from '@fdpass/core';
import { findSys } from '@fdpass/core/sockets';

const STDERR = 2;
/** As much as a pipe that can be written takes at once (PIPE_BUF). */
const CHUNK = 4096;
/** How long we wait for a reader: a slow terminal goes on reading, but a pipe can have no reader at all. */
const PATIENCE_MS = 100;

/** Writes a line, without its end, to where the user sees it. @throws a system error; EAGAIN if it would have to wait. */
export type WriteLine = (line: string) => void;

/**
 * Writes lines to `fd`, even if that is closed, full, or a pipe that nobody reads.
 *
 * @param patienceMs How long to wait if it is full. Nothing else happens in this process during that time.
 */
export function lineWriter(fd: number, patienceMs: number): WriteLine {
  return (line) => {
    let rest = Buffer.from(`${line}\n`);
    while (rest.length > 0) {
      if (findSys()?.isWritable(fd, patienceMs) === false) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      rest = rest.subarray(writeSync(fd, rest, 0, Math.min(CHUNK, rest.length)));
    }
  };
}

/**
 * Writes a line to our own stderr. Not through process.stderr, which reports a failure only later, as an event, and makes a
 * pipe non-blocking for all who share it.
 */
export const writeStderr: WriteLine = lineWriter(STDERR, PATIENCE_MS);

/** Writes until that fails, then says why and no longer tries. */
export function untilBroken(write: WriteLine, say: (why: string) => void): WriteLine {
  let isBroken = false;
  return (line) => {
    if (isBroken) return;
    try {
      write(line);
    } catch (error) {
      isBroken = true;
      say(reasonOf(error));
    }
  };
}
