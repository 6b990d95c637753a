import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import {
  adoptFd,
  type DialContext,
  FdpassError,
  isFdpassError,
  loadSys,
  oneLine,
  reasonOf,
  recvFd,
  type Sys,
} from '@fdpass/core';
import { OutputFile } from './output-file.js';

export interface CommandRequest {
  readonly argv: readonly [string, ...string[]];
  /** The command passes a descriptor over its stdout and exits, as `nc -F` does. */
  readonly passesDescriptor: boolean;
  /** How long to wait for the first byte, so that a command that fails early can say so. 0: not at all. */
  readonly patienceMs: number;
  /** Where its stderr goes from the start. */
  readonly log?: string | undefined;
  /** It stays in our session, so that it can ask on the terminal; otherwise it gets one of its own. */
  readonly usesTerminal: boolean;
}

/**
 * Runs a command whose stdin and stdout are one end of a socketpair and resolves to the other end: a plain socket, whose
 * descriptor can be handed over, while the command goes on by itself until that side closes. With `passesDescriptor`
 * resolves to the socket it passed.
 *
 * On abort and failure the command and what it started are killed, and nothing stays open.
 */
export async function runCommand(request: CommandRequest, context: DialContext): Promise<Socket> {
  const sys = await loadSys();
  context.signal.throwIfAborted();
  const output = new OutputFile(request.log, (text) => context.trace({ event: 'output', text: oneLine(text) }));
  const [ours, theirs] = sys.socketpair();
  const command = new Command(request, theirs, output.fd);
  sys.close(theirs);
  let isOurs = true;
  try {
    const ready = request.passesDescriptor
      ? receive(ours, command, sys, context)
      : settle(ours, command, request, sys, context);
    const fd = await ready;
    isOurs = fd !== ours;
    return adoptFd(fd, sys);
  } catch (error) {
    command.kill();
    throw context.signal.aborted ? context.signal.reason : command.explain(error, output);
  } finally {
    if (isOurs) sys.close(ours);
    output.close();
    command.release();
  }
}

/** Waits for the first byte, without taking it; a command that ends before is an error, one that is slow is none. */
async function settle(
  ours: number,
  command: Command,
  { patienceMs }: CommandRequest,
  sys: Sys,
  { clock, signal }: DialContext,
): Promise<number> {
  await command.started;
  signal.throwIfAborted();
  if (patienceMs === 0) return ours;
  const enough = new AbortController();
  const cancel = clock.after(patienceMs, () => enough.abort());
  const waiting = AbortSignal.any([signal, enough.signal]);
  try {
    // The end of the command makes its end of the pair readable too: then its status says more.
    await sys.wait(ours, 'readable', waiting).catch(() => {});
    signal.throwIfAborted();
    if (sys.isAtEnd(ours)) throw await command.ended;
    return ours;
  } finally {
    cancel();
    enough.abort();
  }
}

async function receive(ours: number, command: Command, sys: Sys, { signal }: DialContext): Promise<number> {
  const fd = await recvFd(ours, { sys, signal });
  await endOrAbort(command, signal); // as ssh does, it waits for the end and ignores the status
  if (!signal.aborted) return fd;
  sys.close(fd);
  throw signal.reason;
}

function endOrAbort(command: Command, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    void command.ended.then(done);
    if (signal.aborted) done();
  });
}

class Command {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #hasOwnGroup: boolean;
  /** Rejects if it could not be run. */
  readonly started: Promise<void>;
  /** Resolves to the error that its end means. */
  readonly ended: Promise<FdpassError>;

  constructor({ argv, usesTerminal }: CommandRequest, channel: number, stderr: number) {
    const [program, ...args] = argv;
    this.#name = program;
    this.#hasOwnGroup = !usesTerminal;
    this.#child = spawn(program, args, { stdio: [channel, channel, stderr], detached: !usesTerminal });
    this.started = new Promise((resolve, reject) => {
      this.#child.once('spawn', resolve);
      this.#child.once('error', (cause) =>
        reject(new FdpassError('config', `cannot run ${JSON.stringify(program)}: ${reasonOf(cause)}`, { cause })),
      );
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (status, signal) => resolve(this.#endError(status, signal)));
    });
    this.started.catch(() => {});
  }

  #endError(status: number | null, signal: NodeJS.Signals | null): FdpassError {
    const how = signal === null ? `status ${status}` : signal;
    return new FdpassError(
      'unreachable',
      `${JSON.stringify(this.#name)} ended with ${how} before anything came through it`,
    );
  }

  /** The error with what the command said last. */
  explain(error: unknown, output: OutputFile): unknown {
    output.follow();
    const last = output.lastLine();
    if (!isFdpassError(error) || last === undefined) return error;
    return new FdpassError(error.code, `${error.message}: ${oneLine(last)}`, { hint: error.hint, cause: error });
  }

  kill(): void {
    try {
      const { pid } = this.#child;
      if (pid !== undefined) process.kill(this.#hasOwnGroup ? -pid : pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }

  /** Lets our process end before it does. */
  release(): void {
    this.#child.unref();
  }
}
