import { FdpassError } from '@fdpass/core';
import { runDetached } from '@fdpass/core/host';
import { type Arguments, parseArguments } from './arguments.js';
import { connect, dialForRelay } from './connect.js';
import { AGENT_ARGUMENT, RELAY_ARGUMENT } from './own-command.js';
import type { DialRequest } from './request.js';
import { answerGeneral, run } from './run.js';
import { FDPASS } from './usage.js';

/** What each subcommand does; the number is an exit code. Code that the connect form does not need is loaded on demand. */
const COMMANDS: Readonly<Record<string, (args: Arguments) => Promise<number>>> = {
  '': connect,
  connect,
  trace: async (args) => (await import('./trace/trace.js')).trace(args),
  explain: async (args) => (await import('./explain.js')).explain(args),
  check: async (args) => (await import('./check.js')).check(args),
  schema: async (args) => (await import('./schema.js')).schema(args),
  strategies: async (args) => (await import('./strategies.js')).strategies(args),
  agent: async (args) => (await import('./agent.js')).agent(args),
};

/** How often -v was given. */
let verbosity = 0;

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === RELAY_ARGUMENT) {
    await runDetached((request, signal) => dialForRelay(request as DialRequest, signal));
    return 0;
  }
  if (argv[0] === AGENT_ARGUMENT) {
    await (await import('./agent.js')).beDetachedAgent(Number(argv[1]));
    return 0;
  }
  const args = parseArguments(FDPASS, argv);
  verbosity = args.count('verbose');
  if (answerGeneral(FDPASS, args.flag)) return 0;
  const command = COMMANDS[args.command.name];
  if (command === undefined) throw new FdpassError('internal', `unknown command ${args.command.name}`);
  return command(args);
}

void run(FDPASS, main, () => verbosity >= 2);
