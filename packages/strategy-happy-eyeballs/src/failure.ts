import {
  type ErrorCode,
  errnoName,
  type FailedAttempt,
  type Family,
  FdpassError,
  formatHostPort,
  fromSystemError,
  isFdpassError,
  isNoAddress,
  reasonOf,
} from '@fdpass/core';

export interface LostLookup {
  readonly family: Family;
  readonly error: unknown;
}

export interface LostAttempt {
  /** As shown to the user, e.g. `[2001:db8::1]:22`. */
  readonly address: string;
  readonly error: unknown;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** An error of the hop's own options, or of this machine, matters more than what became of the other addresses. */
const TELLING: readonly ErrorCode[] = ['config', 'permission', 'internal'];

/** The error of a race that nobody won: one line, with every address and why it failed in `attempts`. */
export function raceLost(place: Place, lookups: readonly LostLookup[], attempts: readonly LostAttempt[]): FdpassError {
  return attempts.length === 0 ? noAddress(place.host, lookups) : noConnection(place, lookups, attempts);
}

function noAddress(host: string, lookups: readonly LostLookup[]): FdpassError {
  const errors = lookups.map(({ error }) => asFdpassError(error));
  const telling = errors.find((error) => !isNoAddress(error)) ?? (errors.length === 1 ? errors[0] : undefined);
  if (telling !== undefined) return telling;
  return new FdpassError('unknown-host', `cannot look up ${host}: no such host`, {
    hint: errors[0]?.hint,
    cause: new AggregateError(errors, 'no address of either family'),
  });
}

function noConnection(place: Place, lookups: readonly LostLookup[], attempts: readonly LostAttempt[]): FdpassError {
  const errors = attempts.map(({ error }) => asFdpassError(error));
  const code = codeOf(errors);
  const telling = tellingOf(errors, code);
  const reason = telling?.message ?? 'no address could be reached';
  return new FdpassError(code, `cannot connect to ${formatHostPort(place.host, place.port)}: ${reason}`, {
    hint: telling?.hint,
    attempts: [...attempts.map(describeAttempt), ...lookups.filter(isNews).map(describeLookup)],
    cause: new AggregateError(errors, reason),
  });
}

function codeOf(errors: readonly FdpassError[]): ErrorCode {
  const codes = new Set(errors.map(({ code }) => code));
  const telling = TELLING.find((code) => codes.has(code));
  if (telling !== undefined) return telling;
  // Somebody is there if one refused: then silence elsewhere is not the story.
  return codes.has('timeout') && !errors.some(isRefusal) ? 'timeout' : 'unreachable';
}

/** The error that speaks for all of them, if there is one. */
function tellingOf(errors: readonly FdpassError[], code: ErrorCode): FdpassError | undefined {
  const agreed = new Set(errors.map(({ message }) => message)).size === 1;
  return agreed || TELLING.includes(code) ? errors.find((error) => agreed || error.code === code) : undefined;
}

function isRefusal(error: FdpassError): boolean {
  return errnoName(error.cause) === 'ECONNREFUSED';
}

function describeAttempt({ address, error }: LostAttempt): FailedAttempt {
  return { address, reason: asFdpassError(error).message };
}

/** That a name has no IPv6 address is nothing new; that nobody could say whether it has one may be the whole trouble. */
function isNews({ error }: LostLookup): boolean {
  return !isNoAddress(error);
}

function describeLookup({ family, error }: LostLookup): FailedAttempt {
  return { address: `IPv${family} look-up`, reason: reasonOf(asFdpassError(error).cause ?? error) };
}

function asFdpassError(error: unknown): FdpassError {
  return isFdpassError(error) ? error : fromSystemError(error);
}
