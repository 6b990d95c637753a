import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { onAbort } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { reasonOf } from '../ground/system-error.js';

/**
 * Asks for a secret as ssh does (readpass.c): on the controlling terminal, without echo, since stdin and stdout are
 * taken; or through the program SSH_ASKPASS names, if SSH_ASKPASS_REQUIRE says so or there is a display and no terminal.
 *
 * @throws FdpassError `permission` if there is no way to ask or the answer is refused; the signal's reason on abort.
 */
export async function askSecret(
  prompt: string,
  signal: AbortSignal,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
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
    throw new FdpassError('permission', 'cannot ask for the password: SSH_ASKPASS does not name a program');
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
    terminal.setRawMode(false);
    writeSync(fd, '\n');
    terminal.destroy();
  }
}

/** How much a password program can print before it is stopped. */
const MAX_OUTPUT = 64 * 1024;

/**
 * The first line that a child process prints, once it has exited with status 0. On abort it is killed.
 *
 * @param what Its name in errors; nothing that it prints is ever shown.
 */
export function readFirstLine(child: ChildProcess, what: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    // Without a pid (it could not be started) Node 20 would kill our whole process group.
    const stop = (): void => void (child.pid !== undefined && child.kill('SIGKILL'));
    const release = onAbort(signal, (reason) => {
      stop();
      reject(reason);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT) stop();
    });
    child.once('error', (cause) =>
      reject(new FdpassError('config', `cannot run ${what}: ${reasonOf(cause)}`, { cause })),
    );
    child.once('close', (status, killedBy) => {
      release();
      if (status === 0) return resolve(output.split(/\r?\n/, 1)[0] ?? '');
      reject(new FdpassError('permission', `${what} ended with ${killedBy ?? `status ${status}`}`));
    });
  });
}
