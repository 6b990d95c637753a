import { type ErrorCode, FdpassError, formatHostPort, isFdpassError, messageOf, type Target } from '@fdpass/core';

/** A server that could not be reached. */
export interface LostServer {
  readonly server: Pick<Target, 'host' | 'port'>;
  readonly error: unknown;
}

/** What tells most comes first: what the user has to mend, a wrong answer, a refusal, silence, a name without address. */
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
 * The error of a service whose servers have all failed: every one in `attempts`, the code and the hint of the most
 * telling, `cause` an AggregateError of all. A single server's error speaks for itself.
 */
export function allServersFailed(name: string, lost: readonly LostServer[]): FdpassError {
  const errors = lost.map(({ error }) => asFdpassError(error));
  const rank = ({ code }: FdpassError): number => TELLING.indexOf(code);
  const telling = errors.toSorted((a, b) => rank(a) - rank(b))[0];
  if (telling !== undefined && errors.length === 1) return telling;
  const message = `none of the ${errors.length} servers of ${name} could be reached`;
  return new FdpassError(telling?.code ?? 'internal', message, {
    hint: telling?.hint,
    attempts: lost.map(({ server: { host, port }, error }) => ({
      address: formatHostPort(host, port),
      reason: messageOf(error),
    })),
    cause: new AggregateError(errors, message),
  });
}

function asFdpassError(error: unknown): FdpassError {
  return isFdpassError(error) ? error : new FdpassError('internal', messageOf(error), { cause: error });
}
