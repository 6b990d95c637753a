import { FdpassError, withoutStack } from '../ground/errors.js';

/** For a caller that reads while an earlier read still waits: which of the two the next bytes belong to is undefined. */
export function secondRead(what: string, pending: string): FdpassError {
  return new FdpassError('internal', `cannot read ${what} while the read of ${pending} is pending`, {
    hint: 'await each read before the next one',
  });
}

/** For an invalid count: a read of NaN bytes would wait for ever. */
export function notCount(what: string, doing: string, count: unknown): FdpassError {
  return new FdpassError('internal', `cannot read ${what}: asked to ${doing} ${String(count)} bytes`, {
    hint: 'give a whole number of bytes, 0 or more',
  });
}

/** For a connection that is used after {@link Connection.toStream}. One for all: most end so, and are not used any more. */
export const GIVEN_AWAY: FdpassError = withoutStack(
  () =>
    new FdpassError('internal', 'this connection was given away as a stream', {
      hint: 'use the stream, or read before toStream()',
    }),
);

/** For a caller that goes on with a connection that was destroyed without a reason. One for all, as above. */
export const CLOSED: FdpassError = withoutStack(() => new FdpassError('internal', 'the connection was closed'));

/** For a caller that writes something else than bytes: plugins are often written without types. */
export function notBytes(given: unknown): FdpassError {
  return new FdpassError('internal', `write() takes bytes, not ${typeof given === 'string' ? 'text' : typeof given}`, {
    hint: 'give it a Buffer or a Uint8Array, e.g. Buffer.from(text)',
  });
}
