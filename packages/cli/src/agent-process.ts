import { rmSync } from 'node:fs';
import { Agent } from '@fdpass/agent';
import { Installation } from './agent-client.js';
import { Frameworks } from './agent-config.js';
import type { AgentListener } from './agent-listener.js';
import { AgentMemory } from './agent-memory.js';
import { commandServer } from './agent-serve.js';
import { startMark } from './agent-start.js';
import { LeftToCommand } from './left-to-command.js';
import { complain, serveMany, untilTold } from './resident.js';

/** How an agent lives. */
export interface AgentLife {
  /** Where it listens. */
  readonly socket: string;
  /** The agent ends after this many milliseconds without a client; 0: never. */
  readonly idleMs: number;
  /** Where it is the proxy of `fdpass listen`, besides. Default: nowhere. */
  readonly addresses?: readonly string[] | undefined;
  /** Called when it listens. */
  readonly onReady: () => void;
  /** Starts another agent in its place when the code of a plugin has changed. Default: it only ends. */
  readonly replace?: (() => void) | undefined;
}

/** Runs the agent until it ends. @throws FdpassError if it cannot listen */
export async function beAgent({ socket, idleMs, addresses = [], onReady, replace }: AgentLife): Promise<void> {
  const [, command = ''] = process.argv;
  prepareProcess();
  const installation = new Installation(command, import.meta.filename);
  const giveWay = (): void => {
    if (!agent.isListening) return; // for another of its clients it has done so, or nobody wants one any more
    agent.leave();
    replace?.();
  };
  const frameworks = new Frameworks(() => {
    giveWay();
    throw new LeftToCommand('the code of a plugin has changed');
  });
  const memory = AgentMemory.ofThisMachine();
  let left: string | undefined;
  const onLeft = (why: string): void => {
    left = `the last was left to the command since ${why}`;
  };
  const serve = commandServer({ installation, frameworks, memory, onReplaced: () => agent.leave(), onLeft });
  const { placeClient } = await import('./place-client.js'); // which loads node:child_process: only an agent needs it
  const slow = placeClient(socket) ? undefined : 'it is asked through ssh, which takes longer';
  const listener = await listenBesides(addresses, memory, giveWay);
  const agent = await Agent.start({
    socket,
    serve,
    idleMs,
    report: complain,
    note: () => left ?? slow,
    listening: listener.addresses,
    onLeave: () => void listener.leave(),
  });
  void untilTold().then(() => agent.leave()); // sessions go on to their end
  rmSync(startMark(socket), { force: true });
  onReady();
  await agent.ended;
  await listener.leave();
}

/** Loaded only by an agent that needs it. */
async function listenBesides(
  addresses: readonly string[],
  memory: AgentMemory,
  onPluginChange: () => void,
): Promise<AgentListener> {
  if (addresses.length === 0) return { addresses: [], leave: async () => {} };
  return (await import('./agent-listener.js')).startAgentListener(addresses, memory, onPluginChange);
}

function prepareProcess(): void {
  process.chdir('/'); // it keeps no other file system busy
  delete process.env['FDPASS_INSIDE']; // that was about the program that has started us
  serveMany();
}
