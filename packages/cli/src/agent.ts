import { closeSync, writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type AgentCall, type AgentStatus, agentSocket, callAgent, isSocketActivated } from '@fdpass/agent';
import { FdpassError, isFdpassError } from '@fdpass/core';
import { parseDuration, receivedError, type SentError, sendableError } from '@fdpass/core/host';
import { install, uninstall } from './agent-install.js';
import { beAgent } from './agent-process.js';
import { DEFAULT_IDLE_MS, REPORT_FD, startAgent, startUnwatched } from './agent-start.js';
import { type Arguments, checkCount, wrongWord } from './arguments.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';

/** What each word after `fdpass agent` does; the number is an exit code. */
const ACTIONS: Readonly<Record<string, (args: Arguments, socket: string) => Promise<void>>> = {
  run,
  start,
  stop,
  status,
  reload,
  install: (_, socket) => install(socket),
  uninstall: (_, socket) => uninstall(socket),
};

/** `fdpass agent ACTION`. Returns the exit code. */
export async function agent(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  const action = ACTIONS[name ?? ''];
  if (action === undefined) throw wrongWord('agent', name, Object.keys(ACTIONS));
  await action(args, requireSocket());
  return 0;
}

function requireSocket(): string {
  const socket = agentSocket(process.env);
  if (socket !== undefined) return socket;
  throw new FdpassError('config', 'there is no place for the socket of an agent', {
    hint: 'set XDG_RUNTIME_DIR, or FDPASS_AGENT, to a short absolute path',
  });
}

/** In the foreground: for service managers and for those who want to watch it. */
async function run(args: Arguments, socket: string): Promise<void> {
  if (!isSocketActivated(process.env)) await refuseSecond(socket); // our own first client would be asked
  await beAgent({ socket, idleMs: idleTime(args), addresses: await addressesIn(args), onReady: () => {} });
}

async function start(args: Arguments, socket: string): Promise<void> {
  const addresses = await addressesIn(args);
  await refuseSecond(socket);
  await startAndWait(idleTime(args), addresses);
}

async function refuseSecond(socket: string): Promise<void> {
  const call = await callAgent(socket);
  if (call === undefined) return;
  const { pid } = await call.status().finally(call.close);
  throw new FdpassError('usage', `an agent runs already, with pid ${pid}`, {
    hint: 'end it with "fdpass agent stop", or replace it with "fdpass agent reload"',
  });
}

function idleTime(args: Arguments): number {
  const written = args.value('idle');
  if (written === undefined) return DEFAULT_IDLE_MS;
  const idleMs = parseDuration(written);
  if (idleMs !== undefined) return idleMs;
  throw new FdpassError('usage', '--idle is not a duration', { hint: 'write 30m, 2h or 0' });
}

async function addressesIn(args: Arguments): Promise<readonly string[]> {
  const written = args.values('listen');
  return written.length === 0 ? [] : (await import('./agent-listener.js')).readAgentAddresses(written);
}

async function startAndWait(idleMs: number, addresses: readonly string[]): Promise<void> {
  const { report } = await startAgent(idleMs, addresses);
  const problem = await text(report);
  if (problem === '') return;
  const sent = JSON.parse(problem) as SentError;
  throw receivedError({ ...sent, summary: `the agent did not start: ${sent.summary}` });
}

async function stop(_: Arguments, socket: string): Promise<void> {
  await withAgent(socket, (call) => call.terminate());
}

async function status(args: Arguments, socket: string): Promise<void> {
  const status = await withAgent(socket, (call) => call.status());
  await print(args.flag('json') ? `${JSON.stringify({ ...status, socket }, null, 2)}\n` : describe(status, socket));
}

function describe({ pid, seconds, served, left, active, note, listening = [] }: AgentStatus, socket: string): string {
  const lines = [
    `pid      ${pid}`,
    `socket   ${socket}`,
    `running  ${seconds} s`,
    `served   ${served} connections, and left ${left} to the command`,
    `active   ${active}`,
    ...listening.map((address) => `proxy    ${address} (SOCKS and HTTP)`),
    ...(note === undefined ? [] : [`note     ${note}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Another agent takes the socket over, with everything loaded afresh; the old one ends when its sessions have. One that does not
 * answer ends once it has seen that nobody finds it any more.
 */
async function reload(args: Arguments, socket: string): Promise<void> {
  try {
    await replace(args, socket);
  } catch (error) {
    if (!isFdpassError(error) || error.code !== 'timeout') throw error;
    await startAndWait(idleTime(args), await addressesIn(args));
  }
}

async function replace(args: Arguments, socket: string): Promise<void> {
  await withAgent(socket, async (call) => {
    const { isActivated, listening = [] } = await call.status();
    const written = await addressesIn(args);
    const addresses = written.length > 0 ? written : listening;
    const start = async (): Promise<void> => {
      if (!isActivated) await startAndWait(idleTime(args), addresses); // systemd starts one for the next client
    };
    if (listening.length === 0) await start();
    await call.terminate();
    if (listening.length > 0) await start(); // the addresses are free now
  });
}

async function withAgent<T>(socket: string, action: (call: AgentCall) => Promise<T>): Promise<T> {
  const call = await callAgent(socket);
  if (call === undefined)
    throw new FdpassError('unreachable', `no agent listens at ${socket}`, {
      hint: 'start one with "fdpass agent start"',
    });
  try {
    return await action(call);
  } finally {
    call.close();
  }
}

/** The life of an agent that {@link startAgent} has started; it says why it does not listen over a descriptor. */
export async function beDetachedAgent(idleMs: number, addresses: readonly string[]): Promise<void> {
  try {
    const socket = requireSocket();
    const replace = (): void => void startUnwatched(socket, idleMs, addresses);
    await beAgent({ socket, idleMs, addresses, onReady: () => report(''), replace });
  } catch (error) {
    report(JSON.stringify(sendableError(error)));
  }
}

/** Says what there is to say, and that this is all. */
function report(text: string): void {
  try {
    writeSync(REPORT_FD, text);
  } catch {
    // Nobody waits for it any more.
  }
  closeSync(REPORT_FD);
}
