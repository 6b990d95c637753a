import { spawn } from 'node:child_process';
import { killGroup } from '@fdpass/core/host';

/** How a program ended, and what it said. */
export interface ProgramEnd {
  /** Null if it was killed, or could not be run. */
  readonly status: number | null;
  readonly stdout: string;
  /** With the reason, if it could not be run. */
  readonly stderr: string;
  /** Whether it was killed because it took too long. */
  readonly isLate: boolean;
}

/** How {@link runProgram} runs one. */
export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly timeoutMs: number;
}

/**
 * Runs a program to its end without a terminal and without input, in a session of its own. What takes too long is killed with
 * everything that it has started. It runs in `/`, so that no relative path means a file of the current directory.
 */
export function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { env, timeoutMs }: ProgramOptions,
): Promise<ProgramEnd> {
  const child = spawn(program, args, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = { stdout: '', stderr: '' };
  let isLate = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child.pid);
    child.stdout.destroy(); // somebody else can have it
    child.stderr.destroy();
  }, timeoutMs);
  return new Promise((resolve) => {
    const end = (status: number | null): void => {
      clearTimeout(timer);
      resolve({ status, ...said, isLate });
    };
    child.once('close', end);
    child.once('error', (error) => {
      said.stderr += error.message;
      end(null);
    });
  });
}
