import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { DescriptorConnection } from '../connection/descriptor.js';
import { onAbort } from '../ground/abortable.js';
import { FdpassError } from '../ground/errors.js';
import { receivedError, type SentError, sendableError } from '../ground/sent-error.js';
import { messageOf } from '../ground/text.js';
import { loadSys } from '../sys/koffi.js';
import { relayOver } from './caller.js';

/*
 * State such as TLS keys cannot move to another process, and ssh waits for ours to exit. So a connection that is not a
 * kernel socket is dialled and relayed by a detached process: it holds one end of a socketpair as fd 0, and the other end
 * is handed over. Over fd 3 it receives what to dial, and reports that it is connected or why it is not.
 */

/** The child's end of the socketpair. */
const RELAY_FD = 0;
/** The child's end of the control channel: one line of JSON each way. */
const CONTROL_FD = 3;

type Report = { readonly ok: true } | { readonly ok: false; readonly error: SentError };

/** How {@link dialDetached} starts the process that dials and relays, and what it sends to it. */
export interface DetachedOptions {
  /** The program and arguments that end up in {@link runDetached}. No secret and no host name belongs in them. */
  readonly command: readonly [string, ...string[]];
  /** What to dial: anything JSON can hold. It travels over a socketpair, not over argv. */
  readonly request: unknown;
  /** Ends the process as long as it dials; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a detached process that dials and relays, and waits until it is connected.
 *
 * The process has a session of its own, no terminal, /dev/null for stdout and stderr, and ends when either side closes.
 * Its directory is `/`, so that it keeps no other file system busy. On abort or failure it is killed. Resolves to the connection to hand over, which belongs to the caller.
 */
export async function dialDetached({ command, request, signal }: DetachedOptions): Promise<Connection> {
  signal?.throwIfAborted();
  const { spawn } = await import('node:child_process'); // loaded only by those who need a relay
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  sys.setNonBlocking(ours, true);
  const connection = new DescriptorConnection(ours, sys);
  let child: ChildProcess | undefined;
  try {
    try {
      child = spawn(command[0], command.slice(1), {
        stdio: [theirs, 'ignore', 'ignore', 'pipe'],
        detached: true, // setsid: a hang-up of the user's terminal does not concern it
        cwd: '/',
      });
    } finally {
      sys.close(theirs);
    }
    await waitUntilConnected(child, request, signal);
    child.unref();
    return connection;
  } catch (error) {
    if (child?.pid !== undefined) child.kill('SIGKILL'); // without a pid Node 20 would kill our whole process group
    connection.destroy();
    throw error;
  }
}

async function waitUntilConnected(
  child: ChildProcess,
  request: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  const control = child.stdio[CONTROL_FD] as Duplex;
  const release = onAbort(signal, () => control.destroy());
  try {
    const failed = new Promise<never>((_, reject) => child.once('error', (error) => reject(cannotStart(error))));
    failed.catch(() => {});
    control.on('error', () => {}).write(`${JSON.stringify(request)}\n`);
    // A process that exits before it has read its request resets the channel.
    const report = (await Promise.race([readLine(control).catch(() => undefined), failed])) as Report | undefined;
    if (report === undefined) throw new FdpassError('internal', 'the relay process ended before it connected');
    if (!report.ok) throw receivedError(report.error);
  } catch (error) {
    signal?.throwIfAborted(); // why we destroyed the channel, not that we did
    throw error;
  } finally {
    release();
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
 * The detached process's side: reads the request, dials, reports, and relays until either side closes.
 *
 * @param dial Dials what the request says; its signal aborts when the process that waits for us exits.
 */
export async function runDetached(dial: (request: unknown, signal: AbortSignal) => Promise<Connection>): Promise<void> {
  process.on('SIGUSR1', () => {}); // Node would open its inspector, on a port that every user of the machine can reach
  const { Socket } = process.getBuiltinModule('node:net');
  const control = new Socket({ fd: CONTROL_FD });
  control.on('error', () => {});
  const waiting = new AbortController();
  const request = await readLine(control);
  if (request === undefined) return;
  control.once('close', () =>
    waiting.abort(new FdpassError('unreachable', 'the process that wanted this connection has exited')),
  );
  control.resume();
  let far: Connection;
  try {
    far = await dial(request, waiting.signal);
  } catch (error) {
    control.end(`${JSON.stringify({ ok: false, error: sendableError(error) } satisfies Report)}\n`);
    return;
  }
  control.removeAllListeners('close');
  control.end(`${JSON.stringify({ ok: true } satisfies Report)}\n`);
  await relayOver({ input: RELAY_FD, output: RELAY_FD, as: 'relay' }, far);
}
