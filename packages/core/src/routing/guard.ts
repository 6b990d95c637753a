import { Duplex } from 'node:stream';
import type { DialContext, Dialer } from '../dial/dialer.js';
import { addDetails, FdpassError, isFdpassError, messageOf } from '../ground/errors.js';
import type { Target } from '../ground/target.js';

/**
 * Wraps a strategy's dialer so that nothing it does can harm the rest: errors name the hop, a dial that ignores its
 * signal ends with it all the same (a stream that comes late is destroyed), and what is no stream is an error.
 */
export function guardDialer(dialer: Dialer, hop: string, who = 'the strategy'): Dialer {
  if (typeof dialer?.dial !== 'function') {
    throw new FdpassError('config', `${who} made no dialer: create() must return an object with dial()`, { hop });
  }
  return {
    dial: (target, context) => guardedDial(dialer, { hop, who }, target, context),
    get needsRelay() {
      return dialer.needsRelay === true;
    },
  };
}

/** Whose dial it is: the hop, and who made it. */
interface Guarded {
  readonly hop: string;
  readonly who: string;
}

async function guardedDial(
  dialer: Dialer,
  { hop, who }: Guarded,
  target: Target,
  context: DialContext,
): Promise<Duplex> {
  context.signal.throwIfAborted();
  context.trace({ event: 'dial', hop, target: `${target.host}:${target.port}` });
  try {
    const stream = await untilAborted(dialer.dial(target, context), context.signal);
    if (!isStream(stream)) throw new FdpassError('internal', `${who} gave no stream: dial() must resolve to a Duplex`);
    if (stream.destroyed) throw new FdpassError('internal', `${who} gave a stream that is already closed`);
    return stream;
  } catch (error) {
    throw inHop(error, { hop, who }, context.signal);
  }
}

/** Settles like `dialing`, or rejects with the signal's reason as soon as that aborts; then a late stream is destroyed. */
function untilAborted(dialing: Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    Promise.resolve(dialing)
      .then((stream) => {
        if (signal.aborted) destroyLate(stream);
        resolve(stream);
      }, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

function destroyLate(stream: unknown): void {
  if (isStream(stream)) stream.on('error', () => {}).destroy();
}

function isStream(value: unknown): value is Duplex {
  return (
    value instanceof Duplex ||
    (typeof value === 'object' && value !== null && 'pipe' in value && 'write' in value && 'destroy' in value)
  );
}

function inHop(error: unknown, { hop, who }: Guarded, signal: AbortSignal): unknown {
  // The caller's own abort reason goes back to it unchanged; a deadline is ours and says which hop it caught.
  if (signal.aborted && error === signal.reason && !isFdpassError(error)) return error;
  if (isFdpassError(error)) return addDetails(error, { hop });
  return new FdpassError('internal', `${who} failed: ${messageOf(error)}`, { hop, cause: error });
}
