import { writeSync } from 'node:fs';
import { exitCodeOf, formatError, isFdpassError } from '@fdpass/core';
import { formatHelp } from './help.js';
import type { ProgramSpec } from './usage.js';
import { VERSION } from './version.js';

const STDERR = 2;

/**
 * Runs a program to its exit code: `--help` and `--version` at any place before `--`, errors as one line on stderr with
 * the documented code. Ends the process at once: whatever is still open is of no use to anybody, and ssh waits.
 */
export async function run(program: ProgramSpec, main: (argv: readonly string[]) => Promise<number>): Promise<never> {
  let code: number;
  try {
    code = await main(process.argv.slice(2));
  } catch (error) {
    say(`${program.name}: ${formatError(error)}`);
    if (!isFdpassError(error) && process.env['FDPASS_DEBUG'] && error instanceof Error) say(error.stack ?? '');
    code = exitCodeOf(error);
  }
  process.exit(code);
}

/** Answers `--help` and `--version`. Returns whether that was all. */
export function answerGeneral(program: ProgramSpec, flag: (name: string) => boolean): boolean {
  if (flag('help')) process.stdout.write(formatHelp(program));
  else if (flag('version')) process.stdout.write(`${program.name} ${VERSION}\n`);
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
