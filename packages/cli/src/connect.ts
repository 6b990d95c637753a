import { type Connection, formatError, formatHostPort, type Trace, type TraceEvent } from '@fdpass/core';
import {
  dialDetached,
  type Handover,
  handOver,
  openChannel,
  type RelayRequest,
  type Route,
  type RouteOptions,
  stackOf,
} from '@fdpass/core/host';
import { type Arguments, usage } from './arguments.js';
import { configCache } from './config-cache.js';
import { keepCompiledCode } from './kept-code.js';
import { LeftToCommand } from './left-to-command.js';
import { makeLog } from './log.js';
import { ownCommand, RELAY_ARGUMENT } from './own-command.js';
import { type DialRequest, type FoundRoute, findRoute, readRequest } from './request.js';
import { type WriteLine, writeStderr } from './stderr.js';
import { ownStdout } from './stdout.js';
import { FDPASS } from './usage.js';
import { WaitingLine } from './waiting-line.js';

/** Where a connection is made and given away: a process of its own, or the agent. */
export interface Place {
  /** The caller's stdin. */
  readonly input: number;
  /** The caller's stdout. It can have moved after a route was found, since that loads plugins. */
  readonly output: () => number;
  /** Writes to the caller's stderr. */
  readonly write: WriteLine;
  /** Tells the user of a dial that takes long. Default: nobody does. */
  readonly waiting?: Pick<WaitingLine, 'hear' | 'end'> | undefined;
  /** Ends the dial. Default: nothing but the caller's exit does. */
  readonly signal?: AbortSignal | undefined;
  /** Called before bytes are copied over the channel; what it throws ends the connection. Default: nothing. */
  readonly beforeBytes?: (() => void) | undefined;
  findRoute(request: DialRequest, options: RouteOptions): Promise<FoundRoute>;
  /** Lets a process that stays dial and relay. */
  relayed(request: DialRequest, relay: RelayRequest, found: FoundRoute): Promise<Connection>;
}

/** The command's own process, which ends after the hand-over: another one relays. */
const OWN_PROCESS: Place = {
  input: 0,
  output: ownStdout,
  write: writeStderr,
  waiting: new WaitingLine(),
  findRoute: (request, options) => findRoute(request, options, configCache()),
  relayed: dialRelayed,
};

/** `fdpass HOST PORT`: connects, hands the connection over through stdout, and is done. */
export async function connect(args: Arguments): Promise<number> {
  const { config } = await connectIn(OWN_PROCESS, args);
  keepCompiledCode();
  if (config?.agent === 'auto') await (await import('./agent-start.js')).startAgentForLater();
  return 0;
}

/** The whole command, wherever its caller's streams are. Returns the route that was taken. */
export async function connectIn(place: Place, args: Arguments): Promise<FoundRoute> {
  const request = readRequest(args);
  const { input, signal, beforeBytes } = place;
  return reportDial(place, args, async (report) => {
    const channel = openChannel({ input, output: place.output(), as: askedHandover(args) });
    if (channel.as === 'relay') beforeBytes?.();
    const found = await place.findRoute(request, { signal, trace: report.trace });
    const { router, route } = found;
    report.route(route);
    const { timeoutMs } = request;
    const own = { ...channel, output: place.output() }; // plugins have another stdout from here on
    const relayed = (relay: RelayRequest): Promise<Connection> => {
      report.pause();
      return place.relayed(request, relay, found);
    };
    await handOver(own, route, router, { trace: report.trace, timeoutMs, signal, beforeBytes, relayed });
    return found;
  });
}

/** What the user and the log are told of a dial. */
export interface DialReport {
  readonly trace: Trace;
  route(route: Route): void;
  /** Before another process, which can ask for a password, dials. */
  pause(): void;
}

/** Dials, and tells the user and the log about it, of its failure too. */
export async function reportDial<T>(
  { write, waiting: line }: Pick<Place, 'write' | 'waiting'>,
  args: Arguments,
  dial: (report: DialReport) => Promise<T>,
): Promise<T> {
  const verbosity = args.count('verbose');
  const { trace: log, close } = makeLog({ verbosity, file: args.value('log'), write });
  const waiting = verbosity === 0 ? line : undefined; // with -v the user is told anyway
  const trace = (event: TraceEvent): void => {
    waiting?.hear(event);
    log(event);
  };
  const route = ({ target, reason, chain }: Route): void =>
    trace({ event: 'route', target: formatHostPort(target.host, target.port), reason, chain: chain.label });
  try {
    return await dial({ trace, route, pause: () => waiting?.end() });
  } catch (error) {
    trace(eventOf(error)); // the log may be all that the user ever sees
    throw error;
  } finally {
    close();
  }
}

function eventOf(error: unknown): TraceEvent {
  if (error instanceof LeftToCommand)
    return { event: 'note', text: `the agent leaves this to the command: ${error.message}` };
  return { event: 'failed', error: formatError(error), stack: stackOf(error) };
}

function askedHandover(args: Arguments): Handover | undefined {
  if (args.flag('stdio') && args.flag('fdpass')) throw usage(FDPASS, '--stdio and --fdpass exclude each other');
  if (args.flag('stdio')) return 'relay';
  return args.flag('fdpass') ? 'descriptor' : undefined;
}

/** Lets a detached process of this same command dial and relay. */
export function dialRelayed(
  request: DialRequest,
  { timeoutMs, signal }: RelayRequest,
  { route: { answers } }: FoundRoute,
): Promise<Connection> {
  return dialDetached({
    command: ownCommand(RELAY_ARGUMENT),
    request: { ...request, answers, timeoutMs } satisfies DialRequest,
    signal,
  });
}

/** The life of a relay process: it dials what the waiting process asks for, and its errors travel back to that. */
export async function dialForRelay(request: DialRequest, signal: AbortSignal): Promise<Connection> {
  const { router, route } = await findRoute(request, { signal });
  return router.dial(route, { signal, timeoutMs: request.timeoutMs, isPrepared: true });
}
