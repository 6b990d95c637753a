import { FdpassError } from '@fdpass/core';
import { channelKind } from '@fdpass/core/host';
import { type Arguments, parseArguments } from './arguments.js';
import { connect } from './connect.js';
import { errorStyleOf } from './error-lines.js';
import { keepFailure } from './failure.js';
import { AGENT_ARGUMENT, RELAY_ARGUMENT } from './own-command.js';
import { beRelay } from './relay-process.js';
import { answerGeneral, run } from './run.js';
import { FDPASS } from './syntax.js';

/** What each subcommand does; the number is an exit code. Code that the connect form does not need is loaded on demand. */
const COMMANDS: Readonly<Record<string, (args: Arguments) => Promise<number>>> = {
  '': connect,
  connect,
  test: async (args) => (await import('./trial/test.js')).test(args),
  trace: async (args) => (await import('./trace/trace.js')).trace(args),
  explain: async (args) => (await import('./explain/explain.js')).explain(args),
  doctor: async (args) => (await import('./doctor/doctor.js')).doctor(args),
  check: async (args) => (await import('./check.js')).check(args),
  schema: async (args) => (await import('./schema.js')).schema(args),
  completion: async (args) => (await import('./completion/completion.js')).completion(args),
  help: async (args) => (await import('./help-command.js')).help(args),
  'last-error': async (args) => (await import('./last-error.js')).lastError(args),
  config: async (args) => (await import('./config-file.js')).configFile(args),
  use: async (args) => (await import('./use.js')).use(args),
  credentials: async (args) => (await import('./set-credentials.js')).credentials(args),
  init: async (args) => (await import('./init.js')).init(args),
  strategies: async (args) => (await import('./strategy-commands.js')).strategies(args),
  listen: async (args) => (await import('./listen/listen.js')).listen(args),
  'test-strategy': async (args) => (await import('./strategy-commands.js')).testStrategyFile(args),
  run: async (args) => (await import('./listen/run-command.js')).runCommand(args),
  exec: async (args) => (await import('./exec/exec.js')).exec(args),
  agent: async (args) => (await import('./agent.js')).agent(args),
};

/** The commands that a program can start to get a connection. */
const CONNECTING = new Set(['', 'connect', 'exec']);

const STDOUT = 1;

/** The command line, once it was taken apart. */
let args: Arguments | undefined;
/** Whether a program has started us for a connection, so that its user may not see what we print. */
let isForProgram = false;

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === RELAY_ARGUMENT) {
    await beRelay();
    return 0;
  }
  if (argv[0] === AGENT_ARGUMENT) {
    await (await import('./agent.js')).beDetachedAgent(Number(argv[1]), argv.slice(2));
    return 0;
  }
  isForProgram = channelKind(STDOUT) !== 'terminal';
  args = parseArguments(FDPASS, argv, { environment: process.env });
  isForProgram &&= CONNECTING.has(args.command.name);
  if (await answerGeneral(FDPASS, args)) return 0;
  const command = COMMANDS[args.command.name];
  if (command === undefined) throw new FdpassError('internal', `unknown command ${args.command.name}`);
  return command(args);
}

void run(FDPASS, main, {
  errorStyle: () => errorStyleOf(process.argv.slice(2), args),
  afterError: (error) => isForProgram && keepFailure(error, process.env),
});
