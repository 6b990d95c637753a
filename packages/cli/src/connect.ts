import { handOver, openChannel } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { reportDial } from './dial-report.js';
import { keepCompiledCode } from './kept-code.js';
import { ownProcess, type Place } from './place.js';
import { type FoundRoute, readHandover, readRequest } from './request.js';

/** `fdpass HOST PORT`: connects, and hands the connection over through stdout. */
export async function connect(args: Arguments): Promise<number> {
  const { config } = await connectIn(ownProcess(), args);
  keepCompiledCode();
  if (process.execArgv.length === 0) (await import('./known-node.js')).noteNode();
  if (config?.agent === 'auto') await (await import('./agent-start.js')).startAgentForLater();
  return 0;
}

/** The whole command, wherever its caller's streams are. Returns the route that was taken. */
export async function connectIn(place: Place, args: Arguments): Promise<FoundRoute> {
  const request = readRequest(args);
  const { input, signal, beforeBytes } = place;
  return reportDial(place, args, async ({ trace, route: reportRoute, pause }) => {
    // Before any config is read, since a mistake here is one in the caller's set-up.
    const channel = openChannel({ input, output: place.output(), as: readHandover(args) });
    if (channel.as === 'relay') beforeBytes?.();

    const found = await place.findRoute(request, { signal, trace });
    const { router, route } = found;
    reportRoute(route);

    const own = { ...channel, output: place.output() }; // plugins have another stdout from here on
    await handOver(own, route, router, {
      trace,
      timeoutMs: request.timeoutMs,
      signal,
      beforeBytes,
      relayed(relay) {
        pause();
        return place.relayed(request, relay, found);
      },
    });
    return found;
  });
}
