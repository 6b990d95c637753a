import { onAbort } from '../ground/abortable.js';
import { type Clock, startDeadline, untilAborted, withWaited } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { fromSystemError } from '../ground/system-error.js';
import type { Target } from '../ground/target.js';
import { oneLine } from '../ground/text.js';
import type { Trace } from '../ground/trace.js';
import { recvFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import { Child, type ChildEnd, type ChildRequest } from './child.js';
import { ChildOutput, withLastWords } from './child-output.js';
import type { Connection } from './connection.js';
import { DescriptorConnection } from './descriptor.js';
import { type DialService, serveDial } from './dial-service.js';
import { StreamConnection } from './stream.js';

/** A program whose stdin and stdout become a connection. */
export interface SpawnRequest extends ChildRequest {
  /** A file for its stderr. Default: reported as `output` until the dial is over, then dropped. */
  readonly log?: string | undefined;
  /** How long to wait for the first byte, so that a program that fails early can say why. Default 1000; 0: not at all. */
  readonly patienceMs?: number | undefined;
  /** The program passes a descriptor over its stdout and exits, as `nc -F` does. */
  readonly passesDescriptor?: boolean | undefined;
  /** What the program connects through. */
  readonly forward?: SpawnForward | undefined;
}

/** Lets a program connect through other hops, as ssh can with a ProxyCommand and ProxyUseFdpass. */
export interface SpawnForward {
  /** Dials what the program asks for, once, typically through the hops before this one. `signal` aborts when the program ends. */
  dial(target: Target, signal: AbortSignal): Promise<Connection>;
  /**
   * The arguments that make the program get its connection from `command`: a shell command to which it appends host and
   * port, and which passes a descriptor over its stdout. They follow the program's name.
   */
  arguments(command: string): readonly string[];
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
  context.signal.throwIfAborted();
  const { forward } = request;
  if (forward === undefined) return run(request, context, undefined);
  const over = new AbortController();
  const { signal, release } = startDeadline(0, [context.signal, over.signal], context.clock);
  const service = await serveDial((target) => forward.dial(target, signal), loadSys());
  service.served.catch((error: unknown) => over.abort(error));
  try {
    const [program = '', ...args] = request.argv;
    const argv = [program, ...forward.arguments(service.command), ...args];
    const connection = await run({ ...request, argv }, { ...context, signal }, service);
    // A bridge ends with this process, so the connection cannot be handed over by itself.
    return service.isBridged ? new StreamConnection(connection.toStream(), context) : connection;
  } finally {
    over.abort(new FdpassError('internal', 'the program has ended'));
    release();
    service.close();
  }
}

async function run(request: SpawnRequest, context: Context, service: DialService | undefined): Promise<Connection> {
  const { signal, trace } = context;
  const sys = loadSys();
  signal.throwIfAborted();
  const { output, ours, theirs } = prepare(request.log, trace, sys);
  let child: Child | undefined;
  let isOurs = true;
  try {
    child = start(request, theirs, output.fd, sys);
    await child.started;
    signal.throwIfAborted();
    if (service !== undefined) await untilServed(service, child, signal);
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
    throw signal.aborted ? lateFor(request, signal.reason) : withLastWords(error, output);
  } finally {
    if (isOurs) sys.close(ours);
    output.close();
    child?.release();
  }
}

function lateFor({ argv: [program] }: SpawnRequest, reason: unknown): unknown {
  const waited = `nothing has come through ${JSON.stringify(program)}`;
  return withWaited(reason, waited, 'run it yourself to see what it waits for');
}

/** The child, with `channel` as its stdin and stdout: that is closed here, whether it starts or not. */
function start(request: SpawnRequest, channel: number, stderr: number, sys: Sys): Child {
  try {
    return Child.start(request, [channel, channel, stderr]);
  } finally {
    sys.close(channel);
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

/** Waits until the program has the connection that it has to use, since its own time counts only from then on. */
async function untilServed({ served }: DialService, child: Child, signal: AbortSignal): Promise<void> {
  const ended = child.ended.then((end) => Promise.reject(endError(end)));
  await untilAborted(signal, Promise.race([served, ended]));
}

/** Waits without taking the byte. A program that ends before is an error; one that is slow is not. */
async function waitForFirstByte(
  ours: number,
  child: Child,
  patienceMs: number,
  sys: Sys,
  { clock, signal }: Context,
): Promise<number> {
  if (patienceMs === 0) return ours;
  const patience = new AbortController();
  const cancel = clock.after(patienceMs, () => patience.abort());
  const release = onAbort(signal, (reason) => patience.abort(reason));
  try {
    // The end of the program makes its end of the pair readable too: then its status says more.
    await sys.wait(ours, 'readable', patience.signal).catch(() => {});
    signal.throwIfAborted();
    if (sys.isAtEnd(ours)) throw endError(await untilAborted(signal, child.ended));
    return ours;
  } finally {
    cancel();
    release();
  }
}

/** As ssh does, it waits for the program to exit and ignores its status. */
async function receive(ours: number, child: Child, sys: Sys, signal: AbortSignal): Promise<number> {
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

function endError({ program, status, signal }: ChildEnd): FdpassError {
  const how = signal === null ? `status ${status}` : signal;
  return new FdpassError('unreachable', `${JSON.stringify(program)} ended with ${how} before anything came through it`);
}
