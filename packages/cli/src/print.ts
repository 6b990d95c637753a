import type { Writable } from 'node:stream';

/**
 * Writes to stdout and waits until all of it is out: the commands end by _exit(2), and a pipe holds 64 KiB at a time. A
 * reader that has seen enough, such as head(1), is not an error.
 */
export function print(text: string, stdout: Writable = process.stdout): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => (error.code === 'EPIPE' ? resolve() : reject(error));
    stdout.once('error', fail);
    stdout.write(text, (error) => {
      if (error) return; // the event tells
      stdout.off('error', fail);
      resolve();
    });
  });
}
