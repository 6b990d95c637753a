import type { ChildProcess } from 'node:child_process';
import { FdpassError } from '../ground/errors.js';
import { reasonOf } from '../ground/system-error.js';

/** What a password program may print before we stop listening. */
const MAX_OUTPUT = 64 * 1024;

/**
 * The first line that a child process prints, once it has exited with status 0. On abort it is killed.
 *
 * @param what How errors call it; nothing that it prints is ever shown.
 */
export function readFirstLine(child: ChildProcess, what: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    // Without a pid (it could not be started) Node 20 would kill our whole process group.
    const stop = (): void => void (child.pid !== undefined && child.kill('SIGKILL'));
    const abort = (): void => {
      stop();
      reject(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT) stop();
    });
    child.once('error', (cause) =>
      reject(new FdpassError('config', `cannot run ${what}: ${reasonOf(cause)}`, { cause })),
    );
    child.once('close', (status, killedBy) => {
      signal.removeEventListener('abort', abort);
      if (status === 0) return resolve(output.split(/\r?\n/, 1)[0] ?? '');
      reject(new FdpassError('permission', `${what} ended with ${killedBy ?? `status ${status}`}`));
    });
  });
}
