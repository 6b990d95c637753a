import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { FdpassError } from '../ground/errors.js';
import { readFirstLine } from './first-line.js';

/**
 * Asks for a secret as ssh does (readpass.c): on the controlling terminal, without echo, since stdin and stdout are
 * taken; or through the program SSH_ASKPASS names, if SSH_ASKPASS_REQUIRE says so or there is a display and no terminal.
 *
 * @throws FdpassError `permission` if there is no way to ask or the answer is refused; the signal's reason on abort.
 */
export async function askSecret(
  prompt: string,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const require = env['SSH_ASKPASS_REQUIRE'];
  if (require === 'force' || require === 'prefer') return runAskpass(prompt, signal, env);
  const terminal = openTerminal();
  if (terminal !== undefined) return askTerminal(terminal, prompt, signal);
  const hasDisplay = Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
  if (hasDisplay && require !== 'never') return runAskpass(prompt, signal, env);
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

async function runAskpass(prompt: string, signal: AbortSignal, env: NodeJS.ProcessEnv): Promise<string> {
  const program = env['SSH_ASKPASS'];
  if (program === undefined || program === '') {
    throw new FdpassError('permission', 'cannot ask for the password: SSH_ASKPASS names no program');
  }
  const child = spawn(program, [prompt], { stdio: ['ignore', 'pipe', 'inherit'], env });
  return readFirstLine(child, 'the SSH_ASKPASS program', signal);
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const BACKSPACE = new Set(['\u007f', '\b']);
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';

/** Reads a line in raw mode, so that nothing is echoed, and gives the terminal back as it was. */
async function askTerminal(fd: number, prompt: string, signal: AbortSignal): Promise<string> {
  writeSync(fd, prompt);
  const terminal = new ReadStream(fd);
  terminal.setRawMode(true);
  terminal.setEncoding('utf8');
  try {
    return await new Promise<string>((resolve, reject) => {
      let answer = '';
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      terminal.once('error', reject).once('end', () => resolve(answer));
      terminal.on('data', (text: string) => {
        for (const key of text) {
          if (ENTER.has(key)) return resolve(answer);
          if (key === CTRL_C)
            return reject(new FdpassError('permission', 'the question for the password was broken off'));
          if (BACKSPACE.has(key)) answer = answer.slice(0, -1);
          else answer = key === CTRL_U ? '' : answer + key;
        }
      });
    });
  } finally {
    terminal.setRawMode(false);
    writeSync(fd, '\n');
    terminal.destroy();
  }
}
