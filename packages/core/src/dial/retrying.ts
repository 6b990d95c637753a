import type { Connection } from '../connection/connection.js';
import { type Clock, pause, startDeadline } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { errnoName } from '../ground/system-error.js';
import { messageOf } from '../ground/text.js';
import type { DialContext } from './dialer.js';
import { expectedOf, expecting, SSH_PORT } from './expectation.js';
import type { RetryCause, RetrySettings } from './settings.js';

/*
 * A dial that is made again after a failure that can pass: a machine that is still booting, a server with too many connections.
 * A failure that the user has to fix is never retried: a wrong password, a wrong option, an invalid reply.
 */

/** What a retried dial is made of. */
export interface RetriedDial {
  readonly context: DialContext;
  readonly clock: Clock;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  /** Of the target. */
  readonly port: number;
  /** Makes the dial, once for each try. It leaves nothing open if it rejects. */
  dial(context: DialContext): Promise<Connection>;
}

/** The delay doubles from try to try, up to this many times the first one. */
const MOST_BACKOFF = 10;

/** Dials until it succeeds, no try is left, or it fails for another reason. Rejects with the signal's reason on abort. */
export async function dialRetrying(
  { context, clock, random, port, dial }: RetriedDial,
  settings: RetrySettings,
): Promise<Connection> {
  const { signal, trace } = context;
  const looking = lookingFor(context, settings, port);
  for (let tries = 1; ; tries++) {
    const deadline = startDeadline(settings.timeoutMs ?? 0, signal, clock);
    let error: unknown;
    try {
      return await dial({ ...looking, signal: deadline.signal });
    } catch (failure) {
      error = failure;
    } finally {
      deadline.release();
    }
    if (signal.aborted || !isRetried(error, settings.on)) throw error;
    if (tries > settings.times) throw triedInVain(error, tries);
    const delayMs = backoff(settings.backoffMs, tries, random);
    trace({ event: 'retry', reason: error.message, inMs: delayMs, tries, times: settings.times + 1 });
    await pause(delayMs, clock, signal).catch((reason) => {
      throw isFdpassError(reason) ? caughtBetween(reason, error, tries) : reason;
    });
  }
}

/** Only its greeting tells a server that works from one that accepts and closes. On port 22 fdpass knows when to look for it. */
function lookingFor(context: DialContext, { on }: RetrySettings, port: number): DialContext {
  const given = expectedOf(undefined, context);
  const isTold = given?.prefixes !== undefined;
  return isTold || port !== SSH_PORT || !on.includes('closed')
    ? context
    : expecting(context, { ...given, staysOpen: true });
}

/** Random, so that clients that wait for the same server do not all come back at once. */
function backoff(firstMs: number, tries: number, random: () => number): number {
  return firstMs * Math.min(2 ** (tries - 1), MOST_BACKOFF) * (0.5 + random());
}

function isRetried(error: unknown, on: readonly RetryCause[]): error is FdpassError {
  return isFdpassError(error) && on.includes(causeOf(error) as RetryCause);
}

const REFUSED = new Set(['ECONNREFUSED']);
const CLOSED = new Set(['EOF', 'ECONNRESET', 'EPIPE']);

/** What a failure is for `on`; undefined for one that does not pass. */
function causeOf(error: FdpassError): RetryCause | undefined {
  if (error.code === 'timeout' || error.code === 'unknown-host') return error.code;
  if (error.code !== 'unreachable') return undefined;
  const names = systemErrorsBelow(error);
  if (names.some((name) => CLOSED.has(name))) return 'closed';
  return names.some((name) => REFUSED.has(name)) ? 'refused' : 'unreachable';
}

/** The names of all system errors that an error was made of. */
function systemErrorsBelow(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(systemErrorsBelow);
  if (isFdpassError(error)) return systemErrorsBelow(error.cause);
  if (!(error instanceof Error)) return [];
  return [errnoName(error) ?? [], systemErrorsBelow(error.cause)].flat();
}

function triedInVain(error: FdpassError, tries: number): FdpassError {
  return tries === 1 ? error : withSummary(error, `${error.summary} (tried ${tries} times)`);
}

function withSummary(error: FdpassError, summary: string): FdpassError {
  const { code, where, hint, rule, hop, target, attempts, routes } = error;
  return new FdpassError(code, summary, { where, hint, rule, hop, target, attempts, routes, cause: error });
}

/** The dial's deadline passed between two tries. */
function caughtBetween(deadline: FdpassError, last: FdpassError, tries: number): FdpassError {
  const times = tries === 1 ? 'once' : `${tries} times`;
  const { hint, hop, attempts, routes } = last;
  const message = `${deadline.message}: tried ${times}, and the last time: ${messageOf(last)}`;
  return new FdpassError('timeout', message, { hint, hop, attempts, routes, cause: deadline });
}
