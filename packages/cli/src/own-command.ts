import { FdpassError } from '@fdpass/core';

/** The first argument that makes the command a relay process. */
export const RELAY_ARGUMENT = '--detached-relay';

/** The first argument that makes the command an agent; the second says after how many milliseconds without a client it ends. */
export const AGENT_ARGUMENT = '--detached-agent';

/** This same command, with other arguments. */
export function ownCommand(...args: readonly string[]): [string, ...string[]] {
  const [, script] = process.argv;
  if (script === undefined) throw new FdpassError('internal', 'the command does not know its own file');
  return [process.execPath, ...process.execArgv, script, ...args];
}
