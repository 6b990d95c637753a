import { type Connection, type DialContext, FdpassError, noTrace, type StrategyHost, type Target } from '@fdpass/core';
import {
  DescriptorConnection,
  encodeMuxPacket,
  exchangeMuxHellos,
  loadSys,
  MUX_S_FAILURE,
  MUX_S_SESSION_OPENED,
  readMuxPacket,
  sendFd,
} from '@fdpass/core/sockets';

/*
 * Through a connection that the user's ssh shares (ControlMaster): the master is asked to forward two descriptors to the target, as
 * `ssh -W` asks it (MUX_C_NEW_STDIO_FWD of OpenSSH's PROTOCOL.mux), but no ssh has to stay for that. The forwarding lasts as long
 * as the connection to the master's control socket, so this is for a program that lives as long.
 */

const MUX_C_NEW_STDIO_FWD = 0x10000008;
const MUX_S_PERMISSION_DENIED = 0x80000002;

/** A master answers at once, or is stopped. Only the target can take its time. */
const HELLO_LIMIT_MS = 5000;
/** Changes of ssh_config count after that. */
const KEEP_PATH_MS = 60_000;
const MOST_PATHS = 100;
const MAX_CONFIG = 256 * 1024;
const LF = 0x0a;
const SETTING = Buffer.from('controlpath ');

interface KnownPath {
  readonly path: string | undefined;
  readonly until: number;
}

/** By the command line: an agent makes a strategy anew for each client. */
const knownPaths = new Map<string, KnownPath>();

/**
 * Where the control socket for a jump host would be, by ssh's configuration; undefined if it has none.
 *
 * @param login The ssh program and the arguments of a login.
 */
export async function controlPath(
  login: readonly string[],
  host: StrategyHost,
  context: DialContext,
): Promise<string | undefined> {
  const key = JSON.stringify([login, host.baseDir, host.environment['HOME']]);
  const known = knownPaths.get(key);
  if (known !== undefined && host.clock.now() < known.until) return known.path;
  const path = await askSsh(login, host, context);
  knownPaths.delete(key);
  knownPaths.set(key, { path, until: host.clock.now() + KEEP_PATH_MS });
  const [oldest = ''] = knownPaths.keys();
  if (knownPaths.size > MOST_PATHS) knownPaths.delete(oldest);
  return path;
}

/** `ssh -G` prints the configuration that counts for a host, and connects nowhere. */
async function askSsh(
  [program = '', ...args]: readonly string[],
  host: StrategyHost,
  context: DialContext,
): Promise<string | undefined> {
  let connection: Connection | undefined;
  try {
    connection = await host.spawn([program, '-G', ...args], { ...context, trace: noTrace }, { patienceMs: 0 });
    const output = await connection.readThrough(missingOfPath, MAX_CONFIG, 'the configuration of ssh');
    const path = lastLine(output).subarray(SETTING.length).toString('utf8').trim();
    return path.startsWith('/') ? path : undefined;
  } catch (error) {
    if (context.signal.aborted) throw error;
    return undefined; // it has none, or ssh says what is wrong when it is run in earnest
  } finally {
    connection?.destroy();
  }
}

/** Reads up to the end of the line with the path. */
function missingOfPath(soFar: Buffer): number {
  return soFar.at(-1) === LF && lastLine(soFar).subarray(0, SETTING.length).equals(SETTING) ? 0 : 1;
}

/** The last line of a text that ends with one. */
function lastLine(text: Buffer): Buffer {
  return text.subarray(text.lastIndexOf(LF, -2) + 1);
}

/**
 * A connection to the target through the master that listens at `path`; undefined if none does.
 *
 * @throws FdpassError if the master refuses, or breaks off.
 */
export async function dialThroughMaster(
  path: string,
  target: Pick<Target, 'host' | 'port'>,
  host: StrategyHost,
  context: DialContext,
): Promise<Connection | undefined> {
  const { keepAlive } = host.lifetime;
  const control = await openControl(path, host, context);
  if (control?.descriptor === undefined || keepAlive === undefined) {
    control?.destroy();
    return undefined;
  }
  const { signal } = context;
  const abort = (): void => control.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const sys = loadSys();
  const [near, far] = sys.socketpair();
  try {
    await greet(control, host);
    await control.write(encodeMuxPacket(MUX_C_NEW_STDIO_FWD, 1, '', target.host, target.port));
    for (let stream = 0; stream < 2; stream++) await sendFd(control.descriptor, far, { signal });
    await readOpened(control);
  } catch (error) {
    sys.close(near);
    control.destroy();
    throw error;
  } finally {
    sys.close(far);
    signal.removeEventListener('abort', abort);
  }
  keepAlive(untilEnd(control));
  sys.setNonBlocking(near, true);
  return new DescriptorConnection(near, sys, { trace: context.trace, clock: host.clock });
}

async function openControl(path: string, host: StrategyHost, context: DialContext): Promise<Connection | undefined> {
  try {
    // A context of its own: this connection does not belong to the dial, and outlives it.
    return await host.open({ path }, {}, { signal: context.signal, trace: noTrace });
  } catch (error) {
    if (context.signal.aborted) throw error;
    return undefined;
  }
}

async function greet(control: Connection, { clock }: StrategyHost): Promise<void> {
  const late = new FdpassError('timeout', 'it does not answer');
  const cancel = clock.after(HELLO_LIMIT_MS, () => control.destroy(late));
  try {
    await exchangeMuxHellos(control);
  } finally {
    cancel();
  }
}

/** The master answers when the far side has connected. */
async function readOpened(control: Connection): Promise<void> {
  const { type, fields } = await readMuxPacket(control, 'an answer');
  fields.uint32(); // the number of the request
  if (type === MUX_S_SESSION_OPENED) return;
  const isRefusal = type === MUX_S_FAILURE || type === MUX_S_PERMISSION_DENIED;
  throw new FdpassError('unreachable', isRefusal ? fields.text() : `answer ${type.toString(16)} to a request`);
}

/** Settles when the master has closed, as it does when the forwarding has ended; then there is nothing left to hold. */
async function untilEnd(control: Connection): Promise<void> {
  try {
    for (;;) await readMuxPacket(control, 'an answer');
  } catch {
    control.destroy();
  }
}
