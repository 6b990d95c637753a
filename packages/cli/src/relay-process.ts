import type { Connection } from '@fdpass/core';
import { dialDetached, type RelayRequest, runDetached } from '@fdpass/core/host';
import { openNoInspector } from './no-inspector.js';
import { ownCommand, RELAY_ARGUMENT } from './own-command.js';
import { type DialRequest, type FoundRoute, findRoute } from './request.js';

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

/** The life of such a process: it dials what the waiting process asks for, and its errors travel back to that. */
export function beRelay(): Promise<void> {
  openNoInspector();
  return runDetached(async (request, signal) => dial(request as DialRequest, signal));
}

async function dial(request: DialRequest, signal: AbortSignal): Promise<Connection> {
  const { router, route } = await findRoute(request, { signal });
  return router.dial(route, { signal, timeoutMs: request.timeoutMs, isPrepared: true });
}
