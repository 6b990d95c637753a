import { handOver, openChannel } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { reportDial } from './dial-report.js';
import { keepCompiledCode } from './kept-code.js';
import { ownProcess, type Place } from './place.js';
import { isQuickStart, kindOfStart } from './quick-start.js';
import { type FoundRoute, readHandover, readRequest } from './request.js';

/** `fdpass HOST PORT`: connects, and hands the connection over through stdout. */
export async function connect(args: Arguments): Promise<number> {
  const { config } = await connectIn(ownProcess(), args);
  keepCompiledCode();
  await noteForNextStart();
  if (config?.agent === 'auto') await (await import('./agent-start.js')).startAgentForLater();
  return 0;
}

/** Whether the next start is to be quick. An upgrade during a long session can have taken away the code that notes it. */
async function noteForNextStart(): Promise<void> {
  const kind = kindOfStart();
  if (kind === (isQuickStart() ? 'plain' : 'reading')) return;
  try {
    (await import('./known-node.js')).noteNode(kind);
  } catch {
    // Then it is as this one was.
  }
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
