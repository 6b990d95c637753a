import { type ChildProcess, type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { beforeDeath } from '../ground/before-death.js';
import { type Clock, startDeadline, untilAborted } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { expandPath, homeIn } from '../ground/files.js';
import { isShownPath } from '../ground/shown.js';
import { errnoName, fromSystemError, reasonOf } from '../ground/system-error.js';
import type { Target } from '../ground/target.js';
import { nestedEnvironment } from './nesting.js';

/** A program that a config names. */
export interface ChildRequest {
  /** The program and its arguments; no shell sees them. A program with a slash starts at `baseDir`. */
  readonly argv: readonly string[];
  /** The config's folder: the program runs there, so that no relative path means a file of the current directory. */
  readonly baseDir: string;
  /** Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Stays in our session, so that it can ask on the terminal. Default: it gets one of its own. */
  readonly terminal?: boolean | undefined;
  /** What is being dialled, for the error about a program that runs itself. */
  readonly target?: Target | undefined;
}

/** How a program ended. */
export interface ChildEnd {
  /** As it was run. */
  readonly program: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A child process of a dial. Until {@link release} it does not outlive our process, however that ends.
 *
 * In a session of its own it is killed together with all that it has started. One that shares our terminal shares our
 * process group too: it alone gets a SIGTERM then, since it may have switched off the terminal's echo and only it can
 * restore that (ssh does).
 */
export class Child {
  /** For its streams. */
  readonly process: ChildProcess;
  readonly #hasOwnGroup: boolean;
  /** Stops what would end it together with our process. */
  readonly #survive: () => void;
  /** Rejects with an FdpassError if it could not be run. */
  readonly started: Promise<void>;
  /** Resolves when it has exited. */
  readonly ended: Promise<ChildEnd>;

  /**
   * @param name Its name in errors. Default: `the program`, with its path if it has one.
   * @throws FdpassError for what Node refuses to run; {@link started} rejects for what the system refuses.
   */
  static start(request: ChildRequest, stdio: StdioOptions, name?: string): Child {
    const { argv, baseDir, environment = process.env, terminal = false, target } = request;
    const [written = '', ...args] = argv;
    const program = written.includes('/') ? expandPath(written, baseDir, homeIn(environment)) : written;
    const shown = name ?? (isShownPath(written) ? JSON.stringify(program) : 'the program');
    const env = nestedEnvironment(argv, baseDir, environment, target);
    const watch = terminal ? undefined : startWatch();
    try {
      const child = spawn(program, args, { stdio, detached: !terminal, cwd: baseDir, env });
      return new Child(child, program, watch, (cause) => startError(shown, baseDir, cause));
    } catch (error) {
      watch?.release();
      throw startError(shown, baseDir, error);
    }
  }

  private constructor(
    child: ChildProcess,
    program: string,
    watch: Watch | undefined,
    asStartError: (cause: unknown) => FdpassError,
  ) {
    this.process = child;
    this.#hasOwnGroup = watch !== undefined;
    if (child.pid !== undefined) watch?.over(child.pid);
    this.#survive = watch?.release ?? beforeDeath(() => this.#signal());
    this.started = new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(asStartError(cause)));
    });
    this.ended = new Promise((resolve) => {
      child.once('exit', (status, signal) => resolve({ program, status, signal }));
    });
    this.started.catch(() => {});
  }

  /** Ends it with everything in its group. */
  kill(): void {
    this.#signal();
    this.release();
  }

  #signal(): void {
    if (this.#hasOwnGroup) {
      killGroup(this.process.pid);
      return;
    }
    try {
      this.process.kill('SIGTERM');
    } catch {
      // It belongs to another user by now.
    }
  }

  /** It goes on by itself: our process can end before it does. */
  release(): void {
    this.#survive();
    this.process.unref();
  }
}

/** How long a program can take. */
export interface ChildLimit {
  /** Milliseconds; 0 means no limit. */
  readonly timeoutMs: number;
  /** What to throw when they are over. */
  readonly late: () => FdpassError;
  /** Ends it too; its reason is rethrown unchanged. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Waits for a program to exit. It is killed with all that it has started if `result` throws, on abort, and when its time is
 * over. Otherwise, what it has left in the background keeps running.
 *
 * @param start Starts it.
 * @param result What its end means.
 * @throws FdpassError if it cannot be run; what `late` and `result` throw; the signal's reason on abort.
 */
export async function untilExit<T>(
  start: () => Child,
  { timeoutMs, late, signal, clock }: ChildLimit,
  result: (end: ChildEnd) => T,
): Promise<T> {
  const deadline = startDeadline(timeoutMs, signal, clock);
  let child: Child | undefined;
  try {
    child = start();
    await untilAborted(deadline.signal, child.started);
    return result(await untilAborted(deadline.signal, child.ended));
  } catch (error) {
    child?.kill();
    signal.throwIfAborted();
    throw deadline.signal.aborted ? late() : error;
  } finally {
    child?.release();
    deadline.release();
  }
}

/** Ends a process that leads a group of its own, with everything in that. @param pid Undefined for one that never ran. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}

/** Kills a process group when our process ends. */
interface Watch {
  /** Says which group. */
  over(group: number): void;
  /** Lets the group survive. */
  release(): void;
}

/**
 * A shell that waits for the end of a pipe that only we hold, so that it notices even a SIGKILL. It is started before the
 * group, which can do much in the time that a start takes. A line instead of the end lets the group survive.
 */
function startWatch(): Watch {
  const script = 'read -r group && { read -r line || kill -KILL "-$group"; }';
  const options: SpawnOptions = { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' };
  const shell = spawn('/bin/sh', ['-c', script], options);
  shell.on('error', () => {}).unref(); // without it the dial is as good
  const pipe = shell.stdin as Socket | null;
  pipe?.on('error', () => {}).unref();
  return { over: (group) => void pipe?.write(`${group}\n`), release: () => void pipe?.end('\n') };
}

/** A program that is not there is the config's fault; what else can happen is this machine's. */
function startError(name: string, baseDir: string, cause: unknown): FdpassError {
  const where = existsSync(baseDir) ? '' : ` in ${baseDir}`;
  const doing = `cannot run ${name}${where}`;
  const code = errnoName(cause) ?? '';
  if (code.startsWith('ERR_')) return new FdpassError('config', `${doing}: a word is empty or has a NUL byte in it`);
  const bare = withoutWords(cause, code);
  return ['ENOENT', 'EACCES', 'ENOTDIR'].includes(code)
    ? new FdpassError('config', `${doing}: ${reasonOf(bare)}`, { hint: 'check that it is installed', cause: bare })
    : fromSystemError(bare, doing);
}

/** Node's error has the program and its arguments in it, and one of those can be a password. */
function withoutWords(cause: unknown, code: string): unknown {
  return code === '' ? cause : Object.assign(new Error(`spawn ${code}`), { code, syscall: 'spawn' });
}
