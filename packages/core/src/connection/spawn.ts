import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Clock, onAbort, untilAborted } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { expandPath } from '../ground/files.js';
import { errnoName, fromSystemError, reasonOf } from '../ground/system-error.js';
import { oneLine } from '../ground/text.js';
import type { Trace } from '../ground/trace.js';
import { recvFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import { ChildOutput } from './child-output.js';
import type { Connection } from './connection.js';
import { DescriptorConnection } from './descriptor.js';

/** A program whose stdin and stdout become a connection. */
export interface SpawnRequest {
  /** The program and its arguments; no shell sees them. A program with a slash starts at `baseDir`. */
  readonly argv: readonly string[];
  /** The config's folder: the program runs there. */
  readonly baseDir: string;
  /** Stays in our session, so that it can ask on the terminal. Default: it gets one of its own. */
  readonly terminal?: boolean | undefined;
  /** A file for its stderr. Default: reported as `output` until the dial is over, then dropped. */
  readonly log?: string | undefined;
  /** How long to wait for the first byte, so that a program that fails early can say why. Default 1000; 0: not at all. */
  readonly patienceMs?: number | undefined;
  /** The program passes a descriptor over its stdout and exits, as `nc -F` does. */
  readonly passesDescriptor?: boolean | undefined;
}

interface Context {
  readonly signal: AbortSignal;
  readonly trace: Trace;
  readonly clock: Clock;
}

const DEFAULT_PATIENCE_MS = 1000;

/**
 * Runs a program whose stdin and stdout are one end of a socketpair and resolves to the other end, while the program goes
 * on by itself until that side closes; or, with `passesDescriptor`, to the socket that it passed.
 *
 * On abort and failure the program and what it started are killed, and nothing stays open.
 */
export async function spawnConnection(request: SpawnRequest, context: Context): Promise<Connection> {
  const { signal, trace } = context;
  const sys = loadSys();
  signal.throwIfAborted();
  const { output, ours, theirs } = prepare(request.log, trace, sys);
  let child: Child | undefined;
  let isOurs = true;
  try {
    child = Child.start(request, theirs, output.fd, sys);
    const fd = await (request.passesDescriptor === true
      ? receive(ours, child, sys, signal)
      : waitForFirstByte(ours, child, request.patienceMs ?? DEFAULT_PATIENCE_MS, sys, context));
    isOurs = fd !== ours;
    const connection = connectionOn(fd, sys, context);
    output.finish();
    if (!signal.aborted) return connection;
    connection.destroy(signal.reason); // whoever listens to its output can abort
    throw signal.reason;
  } catch (error) {
    child?.kill();
    output.finish();
    throw signal.aborted ? signal.reason : withLastWords(error, output);
  } finally {
    if (isOurs) sys.close(ours);
    output.close();
    child?.release();
  }
}

/** What a child needs before it starts. @throws FdpassError if there are no descriptors or the log cannot be written. */
function prepare(
  log: string | undefined,
  trace: Trace,
  sys: Sys,
): { readonly output: ChildOutput; readonly ours: number; readonly theirs: number } {
  let output: ChildOutput | undefined;
  try {
    output = new ChildOutput(log, (text) => trace({ event: 'output', text: oneLine(text) }));
    const [ours, theirs] = sys.socketpair();
    return { output, ours, theirs };
  } catch (error) {
    output?.close();
    throw isFdpassError(error) ? error : fromSystemError(error, 'cannot start the program');
  }
}

/** The connection on a descriptor, which is closed if it cannot be one. */
function connectionOn(fd: number, sys: Sys, context: Context): Connection {
  try {
    sys.setNonBlocking(fd, true);
    return new DescriptorConnection(fd, sys, context);
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** The error with what the program said last. */
function withLastWords(error: unknown, output: ChildOutput): unknown {
  const last = output.lastLine();
  if (!isFdpassError(error) || last === undefined) return error;
  return new FdpassError(error.code, `${error.message}: ${oneLine(last)}`, { hint: error.hint, cause: error });
}

/** Waits without taking the byte. A program that ends before is an error; one that is slow is not. */
async function waitForFirstByte(
  ours: number,
  child: Child,
  patienceMs: number,
  sys: Sys,
  { clock, signal }: Context,
): Promise<number> {
  await child.started;
  signal.throwIfAborted();
  if (patienceMs === 0) return ours;
  const patience = new AbortController();
  const cancel = clock.after(patienceMs, () => patience.abort());
  const release = onAbort(signal, (reason) => patience.abort(reason));
  try {
    // The end of the program makes its end of the pair readable too: then its status says more.
    await sys.wait(ours, 'readable', patience.signal).catch(() => {});
    signal.throwIfAborted();
    if (sys.isAtEnd(ours)) throw await untilAborted(signal, child.ended);
    return ours;
  } finally {
    cancel();
    release();
  }
}

/** As ssh does, it waits for the program to exit and ignores its status. */
async function receive(ours: number, child: Child, sys: Sys, signal: AbortSignal): Promise<number> {
  await child.started;
  const fd = await recvFd(ours, { sys, signal });
  try {
    checkSocket(fd, sys);
    await untilAborted(signal, child.ended);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

function checkSocket(fd: number, sys: Sys): void {
  try {
    sys.getsockname(fd);
  } catch (cause) {
    throw new FdpassError('protocol', 'the descriptor that was passed is not a socket', { cause });
  }
}

/** A program that is not there is the config's fault; what else can happen is this machine's. */
function startError(program: string, baseDir: string, cause: unknown): FdpassError {
  const where = existsSync(baseDir) ? '' : ` in ${baseDir}`;
  const doing = `cannot run ${JSON.stringify(program)}${where}`;
  if (cause instanceof TypeError) return new FdpassError('config', `${doing}: ${cause.message}`, { cause });
  const isMissing = ['ENOENT', 'EACCES', 'ENOTDIR'].includes(errnoName(cause) ?? '');
  return isMissing
    ? new FdpassError('config', `${doing}: ${reasonOf(cause)}`, { cause })
    : fromSystemError(cause, doing);
}

class Child {
  readonly #process: ChildProcess;
  readonly #hasOwnGroup: boolean;
  /** Rejects if it could not be run. */
  readonly started: Promise<void>;
  /** Resolves to the error that its end means. */
  readonly ended: Promise<FdpassError>;

  /**
   * @param channel Its stdin and stdout, which is closed here, whether it starts or not.
   * @throws FdpassError for what Node refuses to run; {@link started} rejects for what the system refuses.
   */
  static start({ argv, baseDir, terminal = false }: SpawnRequest, channel: number, stderr: number, sys: Sys): Child {
    const [written = '', ...args] = argv;
    const program = written.includes('/') ? expandPath(written, baseDir) : written;
    try {
      const stdio = [channel, channel, stderr];
      return new Child(spawn(program, args, { stdio, detached: !terminal, cwd: baseDir }), program, baseDir, !terminal);
    } catch (error) {
      throw startError(program, baseDir, error);
    } finally {
      sys.close(channel);
    }
  }

  private constructor(child: ChildProcess, program: string, baseDir: string, hasOwnGroup: boolean) {
    this.#process = child;
    this.#hasOwnGroup = hasOwnGroup;
    this.started = new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(startError(program, baseDir, cause)));
    });
    this.ended = new Promise((resolve) => {
      child.once('exit', (status, signal) => resolve(endError(program, status, signal)));
    });
    this.started.catch(() => {});
  }

  /** Kills it and, if it has a group of its own, everything in that. */
  kill(): void {
    try {
      const { pid } = this.#process;
      if (pid !== undefined) process.kill(this.#hasOwnGroup ? -pid : pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }

  /** Lets our process end before it does. */
  release(): void {
    this.#process.unref();
  }
}

function endError(program: string, status: number | null, signal: NodeJS.Signals | null): FdpassError {
  const how = signal === null ? `status ${status}` : signal;
  return new FdpassError('unreachable', `${JSON.stringify(program)} ended with ${how} before anything came through it`);
}
