import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { type AgentStatus, agentSocket, callAgent } from '@fdpass/agent';
import { fdpassVersion, isFdpassError } from '@fdpass/core';
import { shownPath } from '../shown-path.js';
import { type Check, type Checked, error, type Finding, note, warning } from './finding.js';

/** Whether the agent, if there is one, can be reached and has this version. */
export const agent: Check = {
  name: 'agent',
  async run({ environment }): Promise<Checked> {
    if (environment['FDPASS_AGENT'] === 'none') return { facts: ['not asked: FDPASS_AGENT is none'], findings: [] };
    const socket = agentSocket(environment);
    if (socket === undefined) return { facts: [], findings: [noPlace(environment)] };
    const status = lstatSync(socket, { throwIfNoEntry: false });
    if (status === undefined) return { facts: ['none runs'], findings: [] };
    if (!status.isSocket()) return { facts: [], findings: [notOurs(socket, 'is not a socket')] };
    const uid = process.geteuid?.();
    if ([status, lstatSync(dirname(socket))].some((entry) => entry.uid !== uid))
      return { facts: [], findings: [notOurs(socket, 'belongs to another user, so it is not asked')] };
    return ask(socket);
  },
};

function noPlace({ FDPASS_AGENT }: NodeJS.ProcessEnv): Finding {
  const what = FDPASS_AGENT ? 'FDPASS_AGENT' : 'the folder of the socket';
  return warning(
    `no agent is asked: ${what} is not a short absolute path of plain characters`,
    'set FDPASS_AGENT to such a path, or to none',
  );
}

function notOurs(socket: string, why: string): Finding {
  return warning(`${shownPath(socket)} ${why}`, 'remove it, and run "fdpass agent start"');
}

async function ask(socket: string): Promise<Checked> {
  try {
    const call = await callAgent(socket);
    if (call === undefined) return { facts: [], findings: [stale(socket)] };
    return describe(await call.status().finally(call.close));
  } catch (cause) {
    if (!isFdpassError(cause)) throw cause;
    const fix = `end the program that listens at ${shownPath(socket)}, and run "fdpass agent start"`;
    return { facts: [], findings: [error(cause.summary, cause.hint ?? fix)] };
  }
}

/** Every connection asks it first. */
function stale(socket: string): Finding {
  return warning(
    `${shownPath(socket)} is of an agent that has ended, and every connection asks it in vain`,
    'run "fdpass agent start", or remove the socket',
  );
}

function describe({ pid, served, left, note: last, version }: AgentStatus): Checked {
  const own = fdpassVersion();
  const isOther = version !== own;
  const what = `the agent is fdpass ${version ?? 'of an earlier version'}, and this is ${own}`;
  return {
    facts: [`pid ${pid}, has served ${served} connections`],
    findings: [
      ...(isOther ? [warning(what, 'run "fdpass agent reload"')] : []),
      ...(left > 0
        ? [note(`the agent has left ${left} connections to the command: ${last ?? 'it does not say why'}`, HOW_LEFT)]
        : []),
    ],
  };
}

const HOW_LEFT = 'see docs/agent.md, which lists what the agent leaves to the command';
