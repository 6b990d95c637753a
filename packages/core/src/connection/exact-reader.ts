import { FdpassError } from '../ground/errors.js';
import { endOfFile, reasonOf } from '../ground/system-error.js';
import type { Missing } from './connection.js';
import { notCount, secondRead } from './misuse.js';

const NOTHING = Buffer.alloc(0);
/** For a read of exactly so many bytes as its limit. */
const ALL: Missing = () => 0;

interface PendingRead {
  readonly what: string;
  readonly limit: number;
  readonly missing: Missing;
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** Why no more bytes come: a system error, a reason to abort, or nothing for an orderly end. */
interface End {
  readonly error: unknown;
  readonly isAbort: boolean;
}

/**
 * The reading side of a handshake, apart from where bytes come from: it says how many bytes it wants, takes at most that
 * many of what is there, and settles the read that waits for them.
 */
export class ExactReader {
  #soFar: Buffer = NOTHING;
  #wanted = 0;
  #pending: PendingRead | undefined;
  #end: End | undefined;
  #isFirst = true;

  /** How many bytes can be taken off the connection now without taking one too many; 0 if no read is pending. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Whether the pending read learns its length from the content: then it is cheaper to look before taking. */
  get isOpenEnded(): boolean {
    return this.#pending !== undefined && this.#pending.missing !== ALL;
  }

  /** Starts a read of exactly `length` bytes. */
  read(length: number, what: string): Promise<Buffer> {
    return this.#start(ALL, length, what);
  }

  /** Starts a read up to an end that only the content shows. */
  readThrough(missing: Missing, limit: number, what: string): Promise<Buffer> {
    return this.#start(missing, limit, what);
  }

  #start(missing: Missing, limit: number, what: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#pending !== undefined) throw secondRead(what, this.#pending.what);
      if (!isCount(limit) && limit !== Number.POSITIVE_INFINITY) throw notCount(what, 'read at most', limit);
      this.#soFar = NOTHING;
      this.#pending = { what, limit, missing, resolve, reject };
      this.take(this.#soFar);
    });
  }

  /** Takes as many of the bytes that are there as the pending read wants, and returns how many those were. */
  take(available: Buffer): number {
    const pending = this.#pending;
    if (pending === undefined) return 0;
    if (available.length > 0) this.#isFirst = false;
    const before = this.#soFar.length;
    const all =
      before === 0 ? available : available.length === 0 ? this.#soFar : Buffer.concat([this.#soFar, available]);
    let length = before;
    try {
      for (;;) {
        this.#soFar = length === all.length ? all : length === 0 ? NOTHING : all.subarray(0, length);
        this.#wanted = pending.missing === ALL ? pending.limit - length : pending.missing(this.#soFar, all);
        if (!isCount(this.#wanted)) throw notCount(pending.what, 'read another', this.#wanted);
        if (this.#wanted === 0) {
          this.#settle(() => pending.resolve(this.#soFar));
          break;
        }
        if (length >= pending.limit) throw tooLong(pending);
        this.#wanted = Math.min(this.#wanted, pending.limit - length);
        if (length === all.length) break;
        length = Math.min(length + this.#wanted, all.length);
      }
      if (this.#pending !== undefined && this.#end !== undefined) throw this.#endError(pending, this.#end);
    } catch (error) {
      this.#settle(() => pending.reject(error));
    }
    return length - before;
  }

  /** No more bytes will come. The first end counts, but the reason of an abort replaces an end that was none. */
  end(error?: unknown, isAbort = false): void {
    if (this.#end === undefined || (isAbort && !this.#end.isAbort)) this.#end = { error, isAbort };
    this.take(NOTHING);
  }

  #settle(action: () => void): void {
    this.#pending = undefined;
    this.#wanted = 0;
    action();
  }

  #endError({ what, limit, missing }: PendingRead, { error, isAbort }: End): unknown {
    if (isAbort) return error;
    const count = this.#soFar.length;
    const progress =
      count === 0 ? `before ${what}` : `after ${count}${missing === ALL ? ` of ${limit}` : ''} bytes of ${what}`;
    const how = error === undefined ? 'closed' : `broke (${reasonOf(error)})`;
    const code = this.#isFirst || error !== undefined ? 'unreachable' : 'protocol';
    return new FdpassError(code, `the connection ${how} ${progress}`, { cause: error ?? endOfFile() });
  }
}

function tooLong({ what, limit }: PendingRead): FdpassError {
  return new FdpassError('protocol', `${what} has no end within ${limit} bytes`);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}
