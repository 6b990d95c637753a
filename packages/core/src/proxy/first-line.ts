import { Child, type ChildRequest } from '../connection/child.js';
import { onAbort } from '../ground/abortable.js';
import { FdpassError } from '../ground/errors.js';

/** How much a password program can print before it is stopped. */
const MAX_OUTPUT = 64 * 1024;

/**
 * The first line that a program prints, once it has exited with status 0. On abort and failure it is killed together with
 * what it has started.
 *
 * @param name Its name in errors; nothing that it prints is ever shown.
 * @throws FdpassError `config` if it cannot be run, `permission` if it fails; the signal's reason on abort.
 */
export async function readFirstLine(request: ChildRequest, name: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const child = Child.start(request, ['ignore', 'pipe', 'inherit'], name);
  try {
    await child.started;
    return await outputOf(child, name, signal);
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    child.release();
  }
}

function outputOf(child: Child, name: string, signal: AbortSignal): Promise<string> {
  const { stdout } = child.process;
  return new Promise((resolve, reject) => {
    let output = '';
    const release = onAbort(signal, reject);
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT) child.kill();
    });
    child.process.once('close', (status, killedBy) => {
      release();
      if (status === 0) return resolve(output.split(/\r?\n/, 1)[0] ?? '');
      reject(new FdpassError('permission', `${name} ended with ${killedBy ?? `status ${status}`}`));
    });
  });
}
