import { type ErrorCode, type FailedAttempt, type FailedRoute, FdpassError, isFdpassError } from '../ground/errors.js';
import { errnoName, fromSystemError } from '../ground/system-error.js';

/** One of several things that were tried, and why it failed. */
export interface Failure {
  /** How errors show it: an address, or a hop as the user wrote it. */
  readonly label: string;
  /** Why it failed. */
  readonly error: unknown;
}

/** What {@link gatherFailures} finds. */
export interface GatheredFailures {
  /** The failures as errors of ours, in the order in which they happened. */
  readonly errors: readonly FdpassError[];
  /** The error that helps most, by {@link RANKS}; undefined if nothing was tried. */
  readonly mostUseful: FdpassError | undefined;
  /** One entry for each failure, with its own attempts in brackets if it had several. */
  readonly attempts: readonly FailedAttempt[];
}

/** Errors of a machine that cannot reach a network at all: they say less than silence from one that it can reach. */
const NO_WAY = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Which of several failures helps most: first one that the user has to fix, then a wrong answer, then a machine that was there
 * and refused, then silence, then a network that cannot be reached, then an unknown name
 * (a name of a network that we are not in says nothing new).
 */
const RANKS: Readonly<Record<ErrorCode, number>> = {
  usage: 0,
  config: 0,
  permission: 1,
  internal: 2,
  protocol: 3,
  unreachable: 4,
  timeout: 5,
  'unknown-host': 7,
};
const NO_WAY_RANK = 6;

/** Gathers what several attempts failed with, and finds the failure that helps most. */
function gatherFailures(failures: readonly Failure[]): GatheredFailures {
  const errors = failures.map(({ error }) => asFdpassError(error));
  const mostUseful = errors.toSorted((a, b) => rankOf(a) - rankOf(b))[0];
  const attempts = errors.map((error, index) => describe(failures[index]?.label ?? '', error));
  return { errors, mostUseful, attempts };
}

/**
 * The error of a hop whose routes, hosts or servers have all failed: code and hint of the most useful failure, all of them
 * in `attempts` and `routes`, and `cause` an AggregateError. A single failure speaks for itself.
 *
 * @param message What is said of several, e.g. `none of 3 routes works`.
 */
export function allFailed(message: string, failures: readonly Failure[]): FdpassError {
  const { errors, mostUseful, attempts } = gatherFailures(failures);
  if (mostUseful !== undefined && errors.length === 1) return mostUseful;
  return new FdpassError(mostUseful?.code ?? 'internal', message, {
    hint: mostUseful?.hint,
    attempts,
    routes: errors.map((error, index) => describeRoute(failures[index]?.label ?? '', error)),
    cause: new AggregateError(errors, message),
  });
}

/**
 * The error of a place none of whose addresses could be reached: `cannot connect to PLACE: REASON`, where the reason is
 * the one that all attempts agree on, or what the user has to fix.
 *
 * @param more Failures that are listed too but decide nothing, such as a look-up that could not be answered.
 */
export function connectFailed(
  place: string,
  failures: readonly Failure[],
  more: readonly FailedAttempt[] = [],
): FdpassError {
  const { errors, mostUseful, attempts } = gatherFailures(failures);
  const isAgreed = new Set(errors.map(({ message }) => message)).size === 1;
  const telling =
    mostUseful !== undefined && (isAgreed || rankOf(mostUseful) <= RANKS.internal) ? mostUseful : undefined;
  const reason = telling?.message ?? 'no address could be reached';
  return new FdpassError(mostUseful?.code ?? 'unreachable', `cannot connect to ${place}: ${reason}`, {
    hint: telling?.hint,
    attempts: [...attempts, ...more],
    cause: errors.length === 1 ? (errors[0]?.cause ?? errors[0]) : new AggregateError(errors, reason),
  });
}

function rankOf(error: FdpassError): number {
  return error.code === 'unreachable' && isNoWay(error.cause) ? NO_WAY_RANK : RANKS[error.code];
}

/** Whether an error, or each of several, says only that a network cannot be reached. */
function isNoWay(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isNoWay);
  return isFdpassError(error) ? isNoWay(error.cause) : NO_WAY.has(errnoName(error) ?? '');
}

function describe(label: string, { message, attempts }: FdpassError): FailedAttempt {
  const inner = attempts.map(({ address, reason }) => `${address} ${reason}`).join(', ');
  // The message of a single attempt says it already.
  return { address: label, reason: attempts.length < 2 ? message : `${message} [${inner}]` };
}

function describeRoute(label: string, error: FdpassError): FailedRoute {
  const { hop, summary: message, hint, attempts, routes } = error;
  const isChain = label.includes(' -> '); // then the label does not say which of its hops it was
  const isSaid = hop === undefined || (!isChain && `${label} `.startsWith(`${hop} `));
  return { label, ...(!isSaid && { hop }), message, hint, attempts, routes };
}

function asFdpassError(error: unknown): FdpassError {
  return isFdpassError(error) ? error : fromSystemError(error);
}
