import type { Writable } from 'node:stream';
import { fromSystemError } from '@fdpass/core';
import { channelKind, outputStream } from '@fdpass/core/host';
import { ownStdout } from './stdout.js';

const STDOUT = 1;

/**
 * Writes to stdout and waits until all of it is out: the commands end by _exit(2), and a pipe holds 64 KiB at a time. A
 * reader that has seen enough, such as head(1), is not an error.
 *
 * @throws FdpassError for any other reason, such as a full disk.
 */
export function print(text: string, stdout: Writable = ownStream()): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      error.code === 'EPIPE' ? resolve() : reject(fromSystemError(error, 'cannot write to stdout'));
    stdout.once('error', fail);
    stdout.write(text, (error) => {
      if (error) return; // the event tells
      stdout.off('error', fail);
      resolve();
    });
  });
}

/** process.stdout writes to descriptor 1, which plugins have been given, and drops what a file does not take at once. */
function ownStream(): Writable {
  const fd = ownStdout();
  return fd === STDOUT && channelKind(fd) !== 'file' ? process.stdout : outputStream(fd);
}
