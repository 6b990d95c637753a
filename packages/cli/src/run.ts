import { channelKind, exitCodeOf, prepareForDeath } from '@fdpass/core/host';
import { findSys, rememberModes } from '@fdpass/core/sockets';
import type { Arguments } from './arguments.js';
import { type ErrorStyle, errorLines } from './error-lines.js';
import { writePluginCode } from './plugin-code.js';
import { type WriteLine, writeStderr } from './stderr.js';
import { restoreStdout } from './stdout.js';
import type { ProgramSyntax } from './syntax.js';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** What a program does with an error, besides saying it. */
export interface ErrorHabits {
  /** How it is said. Default: in a line for people. */
  readonly errorStyle?: () => ErrorStyle;
  /** Called after it was said; must not throw. */
  readonly afterError?: (error: unknown) => void;
}

/**
 * Runs a program to its exit code: `--help` and `--version` at any place before `--`, errors as one line on stderr with
 * the documented code. Ends the process at once: nobody needs what is still open, and ssh waits.
 */
export async function run(
  program: ProgramSyntax,
  main: (argv: readonly string[]) => Promise<number>,
  { errorStyle = () => ({}), afterError = () => {} }: ErrorHabits = {},
): Promise<never> {
  const end = prepareEnd();
  for (const name of end.signals) process.once(name, () => end.bySignal(name));
  const endWith = (error: unknown): never => {
    sayError(program, error, errorStyle(), writeStderr);
    afterError(error);
    return end.withStatus(exitCodeOf(error));
  };
  // Errors that nobody waits for, such as a plugin's own: the same line as for any other.
  process.on('uncaughtException', endWith); // unhandled rejections too
  try {
    return end.withStatus(await main(process.argv.slice(2)));
  } catch (error) {
    return endWith(error);
  }
}

/** Signals that Node dies of without restoring the standard streams, as it does for SIGINT and SIGTERM. */
const UNTIDY_SIGNALS = ['SIGHUP', 'SIGQUIT', 'SIGALRM'] as const;

/** How the process ends: at once, with the standard streams as it found them. */
interface End {
  /** Those that it has to listen to for that. */
  readonly signals: readonly NodeJS.Signals[];
  withStatus(status: number): never;
  bySignal(name: NodeJS.Signals): void;
}

/**
 * Prepares the end before anything has changed the standard streams.
 *
 * process.exit() joins libuv's threads first, and one of them may sit in getaddrinfo(3) for seconds with a look-up that
 * nobody waits for any more, while ssh waits for us. So where a program waits at the other end of stdout the process ends by
 * _exit(2), after doing what Node would have done and somebody could miss.
 */
function prepareEnd(): End {
  const isWaitedFor = ['socket', 'pipe'].includes(channelKind(STDOUT));
  const sys = isWaitedFor ? findSys() : undefined;
  if (sys === undefined) {
    const { signals } = process.getBuiltinModule('node:os').constants;
    const terminals = [STDIN, STDOUT, STDERR].filter(isTerminal);
    const withStatus = (status: number): never =>
      terminals.every(isTerminal) ? process.exit(status) : endUnrestored(status);
    return { signals: UNTIDY_SIGNALS, withStatus, bySignal: (name) => withStatus(128 + signals[name]) };
  }
  const restoreInputModes = rememberModes([STDIN, STDERR], sys);
  const restoreStdoutMode = rememberModes([STDOUT], sys);
  const restoreModes = (): void => {
    if (restoreStdout()) restoreStdoutMode();
    restoreInputModes();
  };
  return {
    // Node no longer restores the streams itself once anybody, such as a dial with a child process, has listened to the last two.
    signals: [...UNTIDY_SIGNALS, 'SIGINT', 'SIGTERM'],
    withStatus(status) {
      writePluginCode();
      prepareForDeath();
      restoreModes();
      return sys.exit(status);
    },
    bySignal(name) {
      prepareForDeath();
      restoreModes();
      process.kill(process.pid, name);
    },
  };
}

function isTerminal(fd: number): boolean {
  return channelKind(fd) === 'terminal';
}

/** Where a terminal has hung up, process.exit() would fail to restore it, and abort. */
function endUnrestored(status: number): never {
  prepareForDeath();
  return findSys()?.exit(status) ?? process.exit(status);
}

/** Answers `--help` and `--version`. Returns whether that was all. */
export async function answerGeneral(program: ProgramSyntax, { command, flag }: Arguments): Promise<boolean> {
  if (!flag('help') && !flag('version')) return false;
  const { printGeneral } = await import('./print-general.js'); // no connection needs it
  await printGeneral(program.name, flag('help') ? command.name : undefined);
  return true;
}

/** Tells the user. */
export function sayError(program: ProgramSyntax, error: unknown, style: ErrorStyle, write: WriteLine): void {
  try {
    for (const line of errorLines(program, error, style)) write(line);
  } catch {
    // Nobody to tell; the exit code says it too.
  }
}
