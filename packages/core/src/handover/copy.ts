import { FdpassError } from '../ground/errors.js';
import { errnoName, reasonOf } from '../ground/system-error.js';

/** How one direction of a relay is over. */
export type CopyEnd =
  /** The source's end was passed on, and all bytes before it were taken. */
  | 'ended'
  /** The same after a reset: nobody reads at the source's other side any more, either. */
  | 'reset'
  /** Nobody reads them any more. What still comes is dropped until the source ends, so that its writer does not wait. */
  | 'sink-closed';

/** One direction of a relay, under way. */
export interface Copy {
  /** Rejects if the source breaks in the middle (a reset is an end). */
  readonly done: Promise<CopyEnd>;
  /** How many bytes have come from the source. */
  bytes(): number;
  /** How many of them the sink has passed on. */
  taken(): number;
}

/** Whether a source that failed was reset: its other side neither writes nor reads any more. */
export function isReset(error: unknown): boolean {
  return errnoName(error) === 'ECONNRESET';
}

/** Whether a source that failed has simply ended, as far as its reader cares. */
export function isClosed(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'EIO', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoName(error) ?? '');
}

/** What a source that failed in another way makes of the relay. */
export function broken(error: unknown): FdpassError {
  return new FdpassError('unreachable', `the connection broke: ${reasonOf(error)}`, { cause: error });
}
