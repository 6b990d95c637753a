import { type Clock, type Connection, FdpassError, startDeadline, systemClock } from '@fdpass/core';
import { encodeMuxPacket, exchangeMuxHellos, loadSys, openConnection, readMuxPacket } from '@fdpass/core/sockets';
import type { AgentStatus } from './agent.js';
import { MUX_C_FDPASS_STATUS, MUX_C_TERMINATE, MUX_S_FDPASS_STATUS, MUX_S_OK } from './constants.js';

/** A connection to a running agent. */
export interface AgentCall {
  /** Asks for its status. */
  status(): Promise<AgentStatus>;
  /** Tells it to end when its sessions have. */
  terminate(): Promise<void>;
  /** Closes the connection. */
  close(): void;
}

/** An agent answers at once, or something is wrong with it. */
const LIMIT_MS = 5_000;

/**
 * Calls the agent at `socket`; undefined if none listens there.
 *
 * @throws FdpassError `config` if it is another user's, `protocol` if something else listens, `timeout` if it does not answer.
 */
export async function callAgent(socket: string, clock: Clock = systemClock): Promise<AgentCall | undefined> {
  const opening = startDeadline(LIMIT_MS, undefined, clock);
  const connection = await openConnection({ path: socket }, {}, { signal: opening.signal }).catch(() => undefined);
  opening.release();
  if (connection === undefined) return undefined;
  const inTime = async <T>(answer: Promise<T>): Promise<T> => {
    const cancel = clock.after(LIMIT_MS, () => connection.destroy(noAnswer(socket)));
    try {
      return await answer;
    } finally {
      cancel();
    }
  };
  const exchange = async (type: number, expected: number): Promise<string> => {
    const id = 1;
    await connection.write(encodeMuxPacket(type, id));
    const { type: answered, fields } = await readMuxPacket(connection, 'an answer');
    fields.uint32();
    if (answered === expected) return fields.isAtEnd ? '' : fields.text();
    throw new FdpassError('protocol', `what listens at ${socket} is not an fdpass agent`);
  };
  const ask = (type: number, expected: number): Promise<string> => inTime(exchange(type, expected));
  const close = (): void => connection.destroy();
  try {
    checkOwner(connection, socket);
    await inTime(exchangeMuxHellos(connection));
  } catch (error) {
    close();
    throw error;
  }
  return {
    status: async () => JSON.parse(await ask(MUX_C_FDPASS_STATUS, MUX_S_FDPASS_STATUS)) as AgentStatus,
    terminate: async () => void (await ask(MUX_C_TERMINATE, MUX_S_OK)),
    close,
  };
}

/** The file can have another owner than the process behind it, or be reached over a link. */
function checkOwner({ descriptor }: Connection, socket: string): void {
  const peer = descriptor === undefined ? undefined : loadSys().peerOf(descriptor);
  if (peer?.uid === process.geteuid?.()) return;
  throw new FdpassError('config', `the agent at ${socket} belongs to the user with uid ${peer?.uid}`, {
    hint: 'name another place for the socket of yours with FDPASS_AGENT',
  });
}

/** It was stopped, or something holds it up. */
function noAnswer(socket: string): FdpassError {
  return new FdpassError('timeout', `the agent at ${socket} does not answer`, {
    hint: 'replace it with "fdpass agent reload"',
  });
}
