import { writeSync } from 'node:fs';
import { fdpassVersion, formatError, isFdpassError } from '@fdpass/core';
import { channelKind, exitCodeOf } from '@fdpass/core/host';
import { findSys } from '@fdpass/core/sockets';
import { formatHelp } from './help.js';
import type { ProgramSpec } from './usage.js';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/**
 * Runs a program to its exit code: `--help` and `--version` at any place before `--`, errors as one line on stderr with
 * the documented code. Ends the process at once: whatever is still open is of no use to anybody, and ssh waits.
 */
export async function run(program: ProgramSpec, main: (argv: readonly string[]) => Promise<number>): Promise<never> {
  // Errors that nobody waits for, such as a plugin's own: the same line as for any other, and no stack.
  process.on('uncaughtException', (error) => void endWith(program, error)); // unhandled rejections too
  let code: number;
  try {
    code = await main(process.argv.slice(2));
  } catch (error) {
    return endWith(program, error);
  }
  return endProcess(code);
}

function endWith(program: ProgramSpec, error: unknown): Promise<never> {
  say(`${program.name}: ${formatError(error)}`);
  if (!isFdpassError(error) && process.env['FDPASS_DEBUG'] && error instanceof Error) say(error.stack ?? '');
  return endProcess(exitCodeOf(error));
}

/**
 * Ends the process at once. process.exit() joins libuv's threads first, and one of them may sit in getaddrinfo(3) for
 * seconds with a look-up that nobody waits for any more, while ssh waits for us. So where a program waits at the other
 * end of stdout the process ends by _exit(2), after doing what Node would have done and somebody could miss.
 */
async function endProcess(code: number): Promise<never> {
  const isWaitedFor = ['socket', 'pipe'].includes(channelKind(STDOUT));
  const sys = isWaitedFor ? findSys() : undefined;
  if (sys === undefined) process.exit(code);
  const nodeModule = process.getBuiltinModule('node:module') as { flushCompileCache?: () => void };
  nodeModule.flushCompileCache?.(); // Node 22.10 and later
  for (const fd of [STDIN, STDOUT]) {
    if (['socket', 'pipe'].includes(channelKind(fd))) sys.setNonBlocking(fd, false); // as we found them: others may share them
  }
  return sys.exit(code);
}

/** Answers `--help` and `--version`. Returns whether that was all. */
export function answerGeneral(program: ProgramSpec, flag: (name: string) => boolean): boolean {
  if (flag('help')) process.stdout.write(formatHelp(program));
  else if (flag('version')) process.stdout.write(`${program.name} ${fdpassVersion()}\n`);
  else return false;
  return true;
}

/** A line on stderr, whatever state that is in: ssh may have closed it. */
function say(line: string): void {
  try {
    writeSync(STDERR, `${line}\n`);
  } catch {
    // Nobody to tell; the exit code says it too.
  }
}
