import { type Connection, FdpassError, formatError } from '@fdpass/core';
import { dialDetached, type Handover, handOver, openChannel, type RelayRequest, stackOf } from '@fdpass/core/host';
import { type Arguments, usage } from './arguments.js';
import { configCache } from './config-cache.js';
import { makeLog } from './log.js';
import { type DialRequest, findRoute, readRequest } from './request.js';
import { ownStdout } from './stdout.js';
import { FDPASS } from './usage.js';

/** The first argument that makes the command a relay process. */
export const RELAY_ARGUMENT = '--detached-relay';

/** `fdpass HOST PORT`: connects, hands the connection over through stdout, and is done. */
export async function connect(args: Arguments): Promise<number> {
  const request = readRequest(args);
  const trace = makeLog({ verbosity: args.count('verbose'), file: args.value('log') });
  try {
    const channel = openChannel({ as: askedHandover(args) });
    const { router, route } = await findRoute(request, configCache());
    trace({ event: 'route', reason: route.reason, chain: route.chain.label });
    const { timeoutMs } = request;
    const own = { ...channel, output: ownStdout() }; // plugins have another stdout from here on
    await handOver(own, route, router, { trace, timeoutMs, relayed: (relay) => dialRelayed(request, relay) });
    return 0;
  } catch (error) {
    trace({ event: 'failed', error: formatError(error), stack: stackOf(error) }); // the log may be all that the user ever sees
    throw error;
  }
}

function askedHandover(args: Arguments): Handover | undefined {
  if (args.flag('stdio') && args.flag('fdpass')) throw usage(FDPASS, '--stdio and --fdpass exclude each other');
  if (args.flag('stdio')) return 'relay';
  return args.flag('fdpass') ? 'descriptor' : undefined;
}

/** Lets a detached process of this same command dial and relay. */
function dialRelayed(request: DialRequest, { timeoutMs, signal }: RelayRequest): Promise<Connection> {
  const [, script] = process.argv;
  if (script === undefined) throw new FdpassError('internal', 'the command does not know its own file');
  const command = [process.execPath, ...process.execArgv, script, RELAY_ARGUMENT] as const;
  return dialDetached({ command: [...command], request: { ...request, timeoutMs } satisfies DialRequest, signal });
}

/** The life of a relay process: it dials what the waiting process asks for, and its errors travel back to that. */
export async function dialForRelay(request: DialRequest, signal: AbortSignal): Promise<Connection> {
  const { router, route } = await findRoute(request);
  return router.dial(route, { signal, timeoutMs: request.timeoutMs });
}
