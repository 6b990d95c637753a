import { type ErrorCode, type FailedAttempt, FdpassError, isFdpassError, messageOf } from '../ground/errors.js';

/** One of several ways to a target, and why it did not lead there. */
export interface LostWay {
  /** How errors call it, e.g. a hop's label or an address. */
  readonly label: string;
  /** Why it failed. */
  readonly error: unknown;
}

/**
 * What tells most comes first: what the user has to mend, then that somebody answered wrongly, then that a machine was
 * there and refused, then silence, then a name that nobody knows (names of a network we are not in are no news).
 */
const TELLING: readonly ErrorCode[] = [
  'config',
  'permission',
  'internal',
  'protocol',
  'unreachable',
  'timeout',
  'unknown-host',
];

/**
 * The error of a hop whose ways have all failed: one entry per way in `attempts`, in the order in which they were
 * tried, its own attempts in brackets if it had several; the code and the hint of the most telling one; `cause` an AggregateError of all.
 * A single way's error speaks for itself.
 *
 * @param message What is said if there were several, e.g. `none of 3 routes leads there`.
 */
export function allFailed(message: string, lost: readonly LostWay[]): FdpassError {
  const errors = lost.map(({ error }) => asFdpassError(error));
  const telling = mostTelling(errors);
  if (telling !== undefined && errors.length === 1) return telling;
  return new FdpassError(telling?.code ?? 'internal', message, {
    hint: telling?.hint,
    attempts: errors.map((error, index) => describe(lost[index]?.label ?? '', error)),
    cause: new AggregateError(errors, message),
  });
}

function mostTelling(errors: readonly FdpassError[]): FdpassError | undefined {
  const rank = ({ code }: FdpassError): number => (TELLING.includes(code) ? TELLING.indexOf(code) : TELLING.length);
  return errors.toSorted((a, b) => rank(a) - rank(b))[0];
}

function describe(label: string, { message, attempts }: FdpassError): FailedAttempt {
  const inner = attempts.map(({ address, reason }) => `${address} ${reason}`).join(', ');
  // The message of a single attempt says it already.
  return { address: label, reason: attempts.length < 2 ? message : `${message} [${inner}]` };
}

function asFdpassError(error: unknown): FdpassError {
  if (isFdpassError(error)) return error;
  return new FdpassError('internal', messageOf(error), { cause: error });
}
