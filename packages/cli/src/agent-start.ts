import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { agentSocket } from '@fdpass/agent';
import { errnoName } from '@fdpass/core';
import { makePrivateFolder } from '@fdpass/core/host';
import { findSys, openConnection } from '@fdpass/core/sockets';
import { AGENT_ARGUMENT, ownCommand } from './own-command.js';

/** The descriptor over which a detached agent says why it does not listen; its end means that it does. */
export const REPORT_FD = 3;

const STDERR = 2;

/** An agent ends after this time without a client, unless it is told otherwise. */
export const DEFAULT_IDLE_MS: number = 30 * 60_000;

/** An agent listens long before. */
const STARTING_MS = 10_000;
const ANSWER_LIMIT_MS = 500;

/** The longest log that a starting agent appends to. It empties a longer one. */
const MAX_LOG = 1024 * 1024;

/** Marks that an agent for `socket` is being started, so that a burst of commands starts one and not many. */
export function startMark(socket: string): string {
  return `${socket}.starting`;
}

/** An agent that has been started. */
export interface StartedAgent {
  /** Undefined if it could not be started: then the report fails. */
  readonly pid: number | undefined;
  /** What it reports over. */
  readonly report: Readable;
}

/** Starts an agent in a session of its own, which is a proxy at `addresses` too. */
export async function startAgent(idleMs: number, addresses: readonly string[] = []): Promise<StartedAgent> {
  const { spawn } = await import('node:child_process');
  const [node, ...words] = ownCommand(AGENT_ARGUMENT, String(idleMs), ...addresses);
  const log = openAgentLog();
  withholdDescriptors();
  const child = spawn(node, words, {
    stdio: ['ignore', log ?? 'ignore', log ?? 'ignore', 'pipe'],
    detached: true, // a hang-up of the user's terminal does not concern it
    cwd: '/',
  });
  child.unref();
  if (log !== undefined) closeSync(log);
  const report = child.stdio[REPORT_FD] as Readable;
  child.once('error', (error) => report.destroy(error));
  return { pid: child.pid, report };
}

/**
 * What this process was started with, such as the lock of a script (`exec 200>lock`), must not stay open as long as an agent.
 * Node sees to that for the first sixteen descriptors only.
 */
function withholdDescriptors(): void {
  const sys = findSys();
  for (const fd of openDescriptors()) {
    try {
      if (fd > STDERR) sys?.setCloseOnExec(fd);
    } catch {
      // The one that the list was read from.
    }
  }
}

/** None where the system does not tell. */
function openDescriptors(): number[] {
  try {
    return readdirSync('/dev/fd').map(Number);
  } catch {
    return [];
  }
}

/** Where an agent that was started from here writes what belongs to no connection, such as what plugins print. */
export function agentLog(socket: string): string {
  return `${socket.replace(/\.sock$/, '')}.log`;
}

/** Undefined if there can be none: the agent works all the same. */
function openAgentLog(): number | undefined {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const socket = agentSocket(process.env);
  try {
    if (socket === undefined || !makePrivateFolder(dirname(socket))) return undefined;
    const log = openSync(agentLog(socket), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (fstatSync(log).size > MAX_LOG) ftruncateSync(log);
    return log;
  } catch {
    return undefined;
  }
}

/** Starts an agent for later commands unless there is one, and waits for nothing. Without one the next command is as good. */
export async function startAgentForLater(): Promise<void> {
  const socket = agentSocket(process.env);
  if (socket !== undefined && !(await isListening(socket))) await startUnwatched(socket, DEFAULT_IDLE_MS);
}

/** Starts an agent unless one listens, without waiting for it. Does nothing while somebody else is starting one. */
export async function startUnwatched(socket: string, idleMs: number, addresses: readonly string[] = []): Promise<void> {
  const mark = startMark(socket);
  const claim = claimStart(mark);
  if (claim === undefined) return;
  try {
    if (await isListening(socket)) return rmSync(mark, { force: true }); // of one that has just been started
    const { pid = '', report } = await startAgent(idleMs, addresses);
    writeSync(claim, String(pid));
    report.on('error', () => {}).destroy();
  } finally {
    closeSync(claim);
  }
}

async function isListening(socket: string): Promise<boolean> {
  if (statSync(socket, { throwIfNoEntry: false }) === undefined) return false;
  try {
    const connection = await openConnection({ path: socket }, {}, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    connection.destroy();
    return true;
  } catch {
    return false; // the socket of an agent that was killed
  }
}

/** Claims the start of an agent: the open mark, for the pid of the agent. Undefined if another command has claimed it. */
function claimStart(mark: string): number | undefined {
  try {
    if (!makePrivateFolder(dirname(mark))) return undefined;
    if (isGivenUp(mark)) rmSync(mark, { force: true });
    return openSync(mark, 'wx', 0o600);
  } catch {
    return undefined; // another command is at it
  }
}

/** Whether a mark was left by an agent that did not come up: it is old, of a clock that was ahead, or its agent has died. */
function isGivenUp(mark: string): boolean {
  const status = statSync(mark, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (Math.abs(Date.now() - status.mtimeMs) > STARTING_MS) return true;
  const pid = Number(readFileSync(mark, 'latin1')); // 0 before it is known
  return pid > 0 && !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoName(error) === 'ESRCH') return false;
  }
  return !isZombie(pid);
}

/** A process that has died has its number until its parent asks how it ended. In a container the parent may be one that never asks. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')); // proc(5)
  } catch {
    return false; // a system without /proc
  }
}
