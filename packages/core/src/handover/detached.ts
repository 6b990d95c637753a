import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { adoptFd } from '../connection/detach.js';
import { type ErrorCode, type FailedAttempt, FdpassError, isFdpassError, messageOf } from '../ground/errors.js';
import type { Target } from '../ground/target.js';
import { loadSys } from '../sys/koffi.js';
import { relay } from './relay.js';

/*
 * State such as TLS keys cannot move to another process, and ssh waits for ours to exit. So a stream that is no kernel
 * socket is dialled and relayed by a detached process: it holds one end of a socketpair as fd 0, the other end is what
 * gets handed over. Over fd 3 it is told what to dial, and reports that the connection stands or why it does not.
 */

/** The child's end of the socketpair. */
const RELAY_FD = 0;
/** The child's end of the control channel: one line of JSON each way. */
const CONTROL_FD = 3;

type Report = { readonly ok: true } | { readonly ok: false; readonly error: SerializedError };

interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly hop?: string | undefined;
  readonly rule?: string | undefined;
  readonly target?: Target | undefined;
  readonly attempts?: readonly FailedAttempt[];
}

/** What {@link dialDetached} starts and tells the process that dials and relays. */
export interface DetachedOptions {
  /** The program and arguments that end up in {@link runDetached}. No secret and no host name belongs in them. */
  readonly command: readonly [string, ...string[]];
  /** What to dial: anything JSON can hold. It travels over a socketpair, not over argv. */
  readonly request: unknown;
  /** Ends the process as long as it dials; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a detached process that dials and relays, and waits until its connection stands.
 *
 * The process has a session of its own, no terminal, /dev/null for stdout and stderr, and ends when either side closes.
 * On abort or failure it is killed. Resolves to the socket to hand over: plain, paused, the caller's.
 */
export async function dialDetached({ command, request, signal }: DetachedOptions): Promise<Socket> {
  signal?.throwIfAborted();
  const { spawn } = await import('node:child_process'); // not loaded by those who need no relay
  const sys = await loadSys();
  const [ours, theirs] = sys.socketpair();
  const socket = adoptFd(ours, sys);
  let child: ChildProcess | undefined;
  try {
    try {
      child = spawn(command[0], command.slice(1), {
        stdio: [theirs, 'ignore', 'ignore', 'pipe'],
        detached: true, // setsid: a hang-up of the user's terminal is not its business
        cwd: '/',
      });
    } finally {
      sys.close(theirs);
    }
    await standing(child, request, signal);
    child.unref();
    return socket;
  } catch (error) {
    if (child?.pid !== undefined) child.kill('SIGKILL'); // without a pid Node 20 would kill our whole process group
    socket.destroy();
    throw error;
  }
}

async function standing(child: ChildProcess, request: unknown, signal: AbortSignal | undefined): Promise<void> {
  const control = child.stdio[CONTROL_FD] as Duplex;
  const abort = (): void => void control.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const failed = new Promise<never>((_, reject) => child.once('error', (error) => reject(cannotStart(error))));
    failed.catch(() => {});
    control.on('error', () => {}).write(`${JSON.stringify(request)}\n`);
    const report = (await Promise.race([readLine(control), failed])) as Report | undefined;
    if (report === undefined) throw new FdpassError('internal', 'the relay process ended before it connected');
    if (!report.ok) throw deserialize(report.error);
  } catch (error) {
    signal?.throwIfAborted(); // what we destroyed the channel for, not that it was
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    control.destroy();
  }
}

function cannotStart(error: Error): FdpassError {
  return new FdpassError('internal', `cannot start the relay process: ${messageOf(error)}`, { cause: error });
}

/** The first line of JSON on `channel`, or undefined if it ends before that. */
async function readLine(channel: Duplex): Promise<unknown> {
  let text = '';
  for await (const chunk of channel.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const end = text.indexOf('\n');
    if (end !== -1) return JSON.parse(text.slice(0, end));
  }
  return undefined;
}

/**
 * The detached process's side: reads the request, dials, reports, relays until either side closes.
 *
 * @param dial Dials what the request says; its signal aborts when the process that waits for us is gone.
 */
export async function runDetached(dial: (request: unknown, signal: AbortSignal) => Promise<Duplex>): Promise<void> {
  const control = new Socket({ fd: CONTROL_FD });
  control.on('error', () => {});
  const waiting = new AbortController();
  const request = await readLine(control);
  if (request === undefined) return;
  control.once('close', () =>
    waiting.abort(new FdpassError('unreachable', 'nobody waits for this connection any more')),
  );
  control.resume();
  let far: Duplex;
  try {
    far = await dial(request, waiting.signal);
  } catch (error) {
    control.end(`${JSON.stringify({ ok: false, error: serialize(error) } satisfies Report)}\n`);
    return;
  }
  control.removeAllListeners('close');
  control.end(`${JSON.stringify({ ok: true } satisfies Report)}\n`);
  const near = new Socket({ fd: RELAY_FD, allowHalfOpen: true });
  await relay({ readable: near, writable: near }, { readable: far, writable: far });
}

function serialize(error: unknown): SerializedError {
  if (!isFdpassError(error)) return { code: 'internal', message: messageOf(error) };
  const { code, message, hint, hop, rule, target, attempts } = error;
  return { code, message, hint, hop, rule, target, attempts };
}

function deserialize({ code, message, ...details }: SerializedError): FdpassError {
  return new FdpassError(code, message, details);
}
