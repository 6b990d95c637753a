import { type Clock, FdpassError, formatError } from '@fdpass/core';
import { formatMs, makeAbortable, onAbort } from '@fdpass/core/host';
import {
  type DescriptorConnection,
  encodeMuxPacket,
  exchangeMuxHellos,
  hasBytes,
  MUX_S_FAILURE,
  MUX_S_SESSION_OPENED,
  type MuxFieldReader,
  type MuxPacket,
  readMuxPacket,
  recvFd,
  type Sys,
} from '@fdpass/core/sockets';
import {
  MUX_C_ALIVE_CHECK,
  MUX_C_FDPASS_STATUS,
  MUX_C_NEW_SESSION,
  MUX_C_STOP_LISTENING,
  MUX_C_TERMINATE,
  MUX_S_ALIVE,
  MUX_S_EXIT_MESSAGE,
  MUX_S_FDPASS_STATUS,
  MUX_S_OK,
  UNSUPPORTED,
} from './constants.js';
import {
  type AgentRequest,
  type ClientQuestion,
  type Environment,
  type Environments,
  parseCommand,
} from './request.js';

/** What the agent does for its clients. */
export interface ClientDuties {
  readonly sys: Sys;
  readonly clock: Clock;
  /** The user whose clients are served. */
  readonly uid: number;
  /** Reads the clients' variables. */
  readonly environments: Environments;
  /** See {@link Serve}. */
  serve(question: ClientQuestion): (request: Omit<AgentRequest, 'keepAlive'>) => Promise<number>;
  /** The status of the agent, as JSON. */
  status(): string;
  /** Takes no further client; with `ends` the agent ends as soon as the sessions have. */
  stopListening(ends: boolean): void;
}

/** How long a client can take for its requests; a session has the deadline of its dial. */
const REQUEST_LIMIT_MS = 10_000;

const SESSION_ID = 1; // a client has one session at most

/**
 * Serves one client of the control socket until it or we close the connection, which is destroyed in the end.
 *
 * @throws FdpassError `permission` if it is another user's, `protocol` if it does not speak PROTOCOL.mux.
 */
export async function serveClient(connection: DescriptorConnection, duties: ClientDuties): Promise<void> {
  const gone = makeAbortable();
  const cancelLimit = duties.clock.after(REQUEST_LIMIT_MS, () => gone.abort(tooSlow()));
  const release = onAbort(gone.signal, (reason) => connection.destroy(reason));
  const endLimit = (): void => {
    cancelLimit();
    release(); // a session needs the connection to the end
  };
  try {
    const pid = identify(connection, duties);
    await exchangeMuxHellos(connection);
    for (;;) {
      const packet = await nextRequest(connection, duties.sys);
      if (packet === undefined) return;
      if (packet.type === MUX_C_NEW_SESSION) {
        const { id, command, environment } = readSession(packet.fields, duties.environments);
        const question = { words: parseCommand(command), environment, pid };
        const serve = duties.serve(question); // the client needs a moment for its streams
        const streams = await receiveStreams(connection, duties.sys, gone.signal);
        endLimit();
        const session = { connection, id, streams, sys: duties.sys, gone };
        return await serveSession(session, (request) => serve({ ...question, ...request }));
      }
      await connection.write(answer(packet, duties));
    }
  } finally {
    endLimit();
    connection.destroy();
  }
}

function tooSlow(): FdpassError {
  return new FdpassError('timeout', `a client has asked for nothing within ${formatMs(REQUEST_LIMIT_MS)}`);
}

/** The client's process. @throws FdpassError `permission` if it is not the user's own. */
function identify(connection: DescriptorConnection, { sys, uid }: ClientDuties): number | undefined {
  const peer = sys.peerOf(descriptorOf(connection));
  if (peer.uid === uid) return peer.pid;
  throw new FdpassError('permission', `user ${peer.uid} has connected to the control socket of user ${uid}`);
}

/** Undefined when the client has closed the connection because it wants nothing more. */
async function nextRequest(connection: DescriptorConnection, sys: Sys): Promise<MuxPacket | undefined> {
  const fd = descriptorOf(connection);
  if (!hasBytes(fd, sys)) {
    await connection.until('readable');
    if (sys.isAtEnd(descriptorOf(connection))) return undefined;
  }
  return readMuxPacket(connection, 'a request');
}

/** The answer to every request but that for a session. */
function answer({ type, fields }: MuxPacket, duties: ClientDuties): Buffer {
  const id = fields.uint32();
  switch (type) {
    case MUX_C_ALIVE_CHECK:
      return encodeMuxPacket(MUX_S_ALIVE, id, process.pid);
    case MUX_C_FDPASS_STATUS:
      return encodeMuxPacket(MUX_S_FDPASS_STATUS, id, duties.status());
    case MUX_C_STOP_LISTENING:
    case MUX_C_TERMINATE:
      duties.stopListening(type === MUX_C_TERMINATE);
      return encodeMuxPacket(MUX_S_OK, id);
    default:
      return encodeMuxPacket(MUX_S_FAILURE, id, `the fdpass agent does not support ${nameOf(type)}`);
  }
}

function nameOf(type: number): string {
  return UNSUPPORTED[type] ?? `requests of type 0x${type.toString(16)}`;
}

type Streams = readonly [stdin: number, stdout: number, stderr: number];

/** The descriptors follow the request, each with a byte of its own. */
async function receiveStreams(connection: DescriptorConnection, sys: Sys, signal: AbortSignal): Promise<Streams> {
  const fds: number[] = [];
  try {
    for (let count = 0; count < 3; count++) fds.push(await recvFd(descriptorOf(connection), { sys, signal }));
    return fds as unknown as Streams;
  } catch (error) {
    for (const fd of fds) sys.close(fd);
    throw error;
  }
}

interface Session {
  readonly connection: DescriptorConnection;
  readonly id: number;
  readonly streams: Streams;
  readonly sys: Sys;
  /** Aborts when the client has gone, or the request cannot go on. */
  readonly gone: ReturnType<typeof makeAbortable>;
}

/**
 * Serves a session and answers with its exit status. Only then does it say that the session was opened: the client does nothing
 * in between, and one answer is faster than two.
 */
async function serveSession(
  { connection, id, streams, sys, gone }: Session,
  serve: (request: Pick<AgentRequest, 'stdin' | 'stdout' | 'stderr' | 'signal' | 'abort'>) => Promise<number>,
): Promise<void> {
  connection.onBroken(() => gone.abort(new FdpassError('unreachable', 'the client of the agent has exited')));
  const [stdin, stdout, stderr] = streams;
  try {
    const status = await serve({ stdin, stdout, stderr, signal: gone.signal, abort: (reason) => gone.abort(reason) });
    const opened = encodeMuxPacket(MUX_S_SESSION_OPENED, id, SESSION_ID);
    await connection.write(Buffer.concat([opened, encodeMuxPacket(MUX_S_EXIT_MESSAGE, SESSION_ID, status)]));
  } finally {
    for (const fd of streams) sys.close(fd);
  }
}

function readSession(
  fields: MuxFieldReader,
  environments: Environments,
): { id: number; command: string; environment: Environment } {
  const id = fields.uint32();
  fields.text(); // reserved
  for (let flag = 0; flag < 4; flag++) fields.uint32(); // a terminal, X11, an agent, a subsystem: none of them concerns us
  fields.uint32(); // the escape character
  fields.text(); // TERM, which is in the environment too
  return { id, command: fields.text(), environment: environments.read(fields) };
}

function descriptorOf({ descriptor }: DescriptorConnection): number {
  if (descriptor !== undefined) return descriptor;
  throw new FdpassError('internal', 'the connection of a client was closed');
}

/** Why a client was not served, as a line for the agent's log; undefined if it just went away. */
export function complaintAbout(error: unknown): string | undefined {
  const isOrdinary = error instanceof Error && 'code' in error && error.code === 'unreachable';
  return isOrdinary ? undefined : formatError(error);
}
