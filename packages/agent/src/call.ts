import { FdpassError, startDeadline, systemClock } from '@fdpass/core';
import { encodeMuxPacket, exchangeMuxHellos, openConnection, readMuxPacket } from '@fdpass/core/sockets';
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
 * @throws FdpassError `protocol` if something else does, `timeout` if it does not answer.
 */
export async function callAgent(socket: string): Promise<AgentCall | undefined> {
  const deadline = startDeadline(LIMIT_MS, undefined, systemClock);
  const connection = await openConnection({ path: socket }, {}, { signal: deadline.signal }).catch(() => undefined);
  if (connection === undefined) {
    deadline.release();
    return undefined;
  }
  deadline.signal.addEventListener('abort', () => connection.destroy(deadline.signal.reason));
  const ask = async (type: number, expected: number): Promise<string> => {
    const id = 1;
    await connection.write(encodeMuxPacket(type, id));
    const { type: answered, fields } = await readMuxPacket(connection, 'an answer');
    fields.uint32();
    if (answered === expected) return fields.isAtEnd ? '' : fields.text();
    throw new FdpassError('protocol', `what listens at ${socket} is not an fdpass agent`);
  };
  const close = (): void => {
    deadline.release();
    connection.destroy();
  };
  try {
    await exchangeMuxHellos(connection);
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
