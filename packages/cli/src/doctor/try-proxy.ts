import { FdpassError, formatError, isFdpassError, type TraceEvent } from '@fdpass/core';
import type { Router } from '@fdpass/core/host';
import { isAboutPassword } from '../set-credentials.js';
import { error, type Finding, warning } from './finding.js';
import type { ProxyRoute } from './proxy-routes.js';

const LIMIT_MS = 10_000;
const ASKING = 'fdpass doctor does not ask for a password';
const FIX = 'check that the proxy is running, and its address in the configuration';

/** For the services of a router: nobody is asked for anything. */
export function refuseToAsk(): never {
  throw new FdpassError('permission', ASKING);
}

/**
 * Asks a proxy for a connection to itself. That it refuses this is fine, since it has answered. That it refuses our password, or
 * does not speak its protocol, is not.
 *
 * @param wantedMs What the user has said about time. Default: the route's own limit, and at most 10 seconds.
 */
export async function tryProxy(
  { route, isNeeded }: ProxyRoute,
  router: Router,
  wantedMs: number | undefined,
): Promise<Finding[]> {
  const events: TraceEvent[] = [];
  const timeoutMs = wantedMs ?? Math.min(route.timeoutMs || LIMIT_MS, LIMIT_MS);
  const severity = isNeeded ? error : warning;
  try {
    const connection = await router.dial(route, { timeoutMs, trace: (event) => void events.push(event) });
    connection.destroy();
    return [];
  } catch (cause) {
    if (!isFdpassError(cause)) throw cause;
    return failuresIn(cause, route.chain.hops.at(-1)?.label)
      .filter((failure) => isFault(failure, events))
      .map(({ hop, message, hint, attempts }) => {
        const what = formatError(new FdpassError('unreachable', message, { hop, attempts }));
        return severity(what, hint ?? FIX);
      });
  }
}

/** Why one proxy could not be used. */
interface Failure {
  readonly code: FdpassError['code'];
  readonly hop: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly attempts: FdpassError['attempts'];
}

/** The error, or those of the routes that it is about. What is not a proxy is not our subject. */
function failuresIn({ code, hop, summary, hint, attempts, routes }: FdpassError, last: string | undefined): Failure[] {
  if (routes.length === 0) return [{ code, hop: hop ?? last, message: summary, hint, attempts }];
  const leaves = (inner: FdpassError['routes']): Failure[] =>
    inner.flatMap(({ label, routes: below, ...rest }) =>
      below.length > 0 ? leaves(below) : [{ code, ...rest, hop: rest.hop ?? label }],
    );
  return leaves(routes).filter((failure) => failure.hop?.includes('://'));
}

function isFault(failure: Failure, events: readonly TraceEvent[]): boolean {
  if (failure.message.includes(ASKING)) return false;
  return failure.code === 'protocol' || isAboutPassword(failure) || !hasAnswered(failure.hop, events);
}

/** Whether a proxy has said anything, or nothing was expected of it but to take the connection. */
function hasAnswered(hop: string | undefined, events: readonly TraceEvent[]): boolean {
  const dials = events.flatMap((each) => (each.event === 'dial' && each.hop === hop ? [each.within?.id] : []));
  const within = events
    .filter((each) => each.within !== undefined && dials.includes(each.within.id))
    .map(({ event }) => event);
  return within.includes('received') || (within.includes('connected') && !within.includes('waiting'));
}
