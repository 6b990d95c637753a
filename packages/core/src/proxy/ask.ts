import { openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { ChildRequest } from '../connection/child.js';
import { onAbort } from '../ground/abortable.js';
import { beforeDeath } from '../ground/before-death.js';
import { FdpassError } from '../ground/errors.js';
import { homeIn, pathFromVariable } from '../ground/files.js';
import { readFirstLine } from './first-line.js';

/**
 * Asks for a secret as ssh does (readpass.c): on the controlling terminal, without echo, since stdin and stdout are
 * taken; or through the program SSH_ASKPASS names, if SSH_ASKPASS_REQUIRE says so or there is a display and no terminal.
 *
 * @param place The environment that these variables are in, and the folder that the program runs in.
 * @throws FdpassError `permission` if there is no way to ask or the answer is refused; the signal's reason on abort.
 */
export async function askSecret(
  prompt: string,
  signal: AbortSignal,
  place: Pick<ChildRequest, 'baseDir' | 'environment'>,
): Promise<string> {
  const env = place.environment ?? process.env;
  const require = env['SSH_ASKPASS_REQUIRE'];
  const askpass = (): Promise<string> => runAskpass(env['SSH_ASKPASS'], prompt, signal, place);
  if (require === 'force' || require === 'prefer') return askpass();
  const terminal = openTerminal();
  if (terminal !== undefined) return askTerminal(terminal, prompt, signal);
  const hasDisplay = Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
  if (hasDisplay && require !== 'never') return askpass();
  throw new FdpassError('permission', 'cannot ask for the password: there is no terminal', {
    hint: 'use passwordFile, passwordEnv or passwordCommand, or set SSH_ASKPASS',
  });
}

function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

async function runAskpass(
  program: string | undefined,
  prompt: string,
  signal: AbortSignal,
  place: Pick<ChildRequest, 'baseDir' | 'environment'>,
): Promise<string> {
  if (program === undefined || program === '') {
    throw new FdpassError('permission', 'cannot ask for the password: SSH_ASKPASS does not name a program');
  }
  const home = homeIn(place.environment ?? process.env);
  const found = program.includes('/') ? pathFromVariable('SSH_ASKPASS', program, home) : program;
  return readFirstLine({ ...place, argv: [found, prompt] }, 'the SSH_ASKPASS program', signal);
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const BACKSPACE = new Set(['\u007f', '\b']);
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';

/**
 * Reads a line in raw mode, so that nothing is echoed, and gives the terminal back as it was: also before a signal ends
 * the process, and while one has stopped it (SIGTSTP).
 */
async function askTerminal(fd: number, prompt: string, signal: AbortSignal): Promise<string> {
  const terminal = new ReadStream(fd);
  const restore = (): void => {
    terminal.setRawMode(false);
    writeSync(fd, '\n');
  };
  const ask = (): void => {
    writeSync(fd, prompt);
    terminal.setRawMode(true);
  };
  const stop = (): void => {
    restore();
    process.once('SIGCONT', ask).kill(process.pid, 'SIGSTOP');
  };
  const survive = beforeDeath(restore);
  ask();
  process.on('SIGTSTP', stop);
  terminal.setEncoding('utf8');
  let release = (): void => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      let answer = '';
      release = onAbort(signal, reject);
      terminal.once('error', reject).once('end', () => resolve(answer));
      terminal.on('data', (text: string) => {
        for (const key of text) {
          if (ENTER.has(key)) return resolve(answer);
          if (key === CTRL_C)
            return reject(new FdpassError('permission', 'the question for the password was cancelled'));
          if (BACKSPACE.has(key)) answer = answer.slice(0, -1);
          else answer = key === CTRL_U ? '' : answer + key;
        }
      });
    });
  } finally {
    release();
    survive();
    process.off('SIGTSTP', stop).off('SIGCONT', ask);
    restore();
    terminal.destroy();
  }
}
