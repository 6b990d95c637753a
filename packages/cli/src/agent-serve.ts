import { type AgentRequest, type ClientQuestion, LEFT_TO_CLIENT, type Serve } from '@fdpass/agent';
import type { Connection } from '@fdpass/core';
import { exitCodeOf, isOutOfDescriptors, type RelayRequest, relayOver } from '@fdpass/core/host';
import { DescriptorConnection, loadSys } from '@fdpass/core/sockets';
import { checkArguments, checkSurroundings, type Installation } from './agent-client.js';
import type { Frameworks } from './agent-config.js';
import type { AgentMemory } from './agent-memory.js';
import { type Arguments, parseArguments } from './arguments.js';
import { connectIn } from './connect.js';
import { errorStyleOf } from './error-lines.js';
import { keepFailure } from './failure.js';
import { LeftToCommand } from './left-to-command.js';
import { type FoundRoute, routeBy } from './request.js';
import { sayError } from './run.js';
import { lineWriter, type WriteLine } from './stderr.js';
import { FDPASS } from './syntax.js';

/** What the agent needs to serve its clients. */
export interface CommandParts {
  readonly installation: Installation;
  readonly frameworks: Frameworks;
  readonly memory: AgentMemory;
  /** Called when another version has been installed in place of ours. */
  readonly onReplaced: () => void;
  /** Called with the reason when a connection is left to the command. */
  readonly onLeft: (why: string) => void;
}

/**
 * Does for a client of the agent what the command does in a process of its own: the same arguments, messages, statuses and
 * log. Whatever the agent cannot do in the same way is left to the command.
 */
export function commandServer(parts: CommandParts): Serve {
  return (question) => {
    const look = lookAt(question, parts);
    return (request) => serve(request, look, parts);
  };
}

/** What is known of a connection before the client's streams have come. */
interface Look {
  /** Undefined if they cannot be read. */
  readonly args: Arguments | undefined;
  /** Why there will be no connection. Undefined if nothing is known against it. */
  readonly refusal?: unknown;
}

function lookAt(question: ClientQuestion, parts: CommandParts): Look {
  const [launcher = '', ...words] = question.words;
  let args: Arguments | undefined;
  try {
    checkLauncher(launcher, parts);
    checkSurroundings(question);
    args = parseArguments(FDPASS, words, { environment: question.environment });
    checkArguments(args);
    parts.memory.refresh();
    return { args };
  } catch (refusal) {
    return { args, refusal };
  }
}

async function serve(request: AgentRequest, { args, refusal }: Look, parts: CommandParts): Promise<number> {
  const write = lineWriter(request.stderr, 0); // other clients would wait too
  try {
    if (args === undefined || refusal !== undefined) throw refusal;
    await connectFor(request, args, parts, write);
    return 0;
  } catch (failure) {
    const error = isOutOfDescriptors(failure) ? new LeftToCommand('the agent has no file descriptor left') : failure;
    if (error instanceof LeftToCommand) {
      parts.onLeft(error.message);
      return LEFT_TO_CLIENT;
    }
    parts.memory.forgetAddresses();
    if (!request.signal.aborted) {
      sayError(FDPASS, error, errorStyleOf(request.words.slice(1), args), write);
      keepFailure(error, request.environment);
    }
    return exitCodeOf(error);
  }
}

/** @throws LeftToCommand if another version would do it. */
function checkLauncher(launcher: string, { installation, onReplaced }: CommandParts): void {
  if (installation.isReplaced) {
    onReplaced();
    throw new LeftToCommand('another version has been installed');
  }
  if (!installation.isOurs(launcher)) throw new LeftToCommand('it belongs to another installation');
}

async function connectFor(
  request: AgentRequest,
  args: Arguments,
  { frameworks, memory }: CommandParts,
  write: WriteLine,
): Promise<void> {
  const { stdin: input, stdout, environment } = request;
  /** Ends the whole dial, not only the hop that noticed: no other route may be tried instead. */
  const leave = (why: string): never => {
    const reason = new LeftToCommand(why);
    request.abort(reason);
    throw reason;
  };
  await connectIn(
    {
      input,
      output: () => stdout,
      write,
      signal: request.signal,
      beforeBytes: () => leave('it wants bytes'),
      async findRoute(dial, options) {
        const { config, router } = await frameworks.find({ file: dial.config, env: environment }, write);
        const beforeAsking = (): never => leave('there is a question for its terminal');
        const lifetime = { keepAlive: request.keepAlive };
        const services = { ...memory.services, environment, beforeAsking, lifetime };
        const found = await routeBy({ config, router: router.withServices(services) }, dial, options);
        // The command would run it again for what turns out later, and only the command says that something takes long.
        return found.route.chain.prepare === undefined ? found : leave('its rule runs a command before the dial');
      },
      relayed: (_, relay, found) => relayHere(request, relay, found),
    },
    args,
  );
}

/** Dials, and relays in this process; the connection to hand over is one end of a socketpair. */
async function relayHere(
  { keepAlive }: AgentRequest,
  { timeoutMs, signal }: RelayRequest,
  { router, route }: FoundRoute,
): Promise<Connection> {
  const far = await router.dial(route, { signal, timeoutMs, isPrepared: true });
  if (far.descriptor !== undefined) return far; // it needed none after all
  try {
    const sys = loadSys();
    const [ours, theirs] = sys.socketpair();
    keepAlive(relayOver({ input: ours, output: ours, as: 'relay' }, far, router.clock));
    sys.setNonBlocking(theirs, true);
    return new DescriptorConnection(theirs, sys);
  } catch (error) {
    far.destroy();
    throw error;
  }
}
