import { FdpassError } from '../ground/errors.js';
import { reasonOf } from '../ground/system-error.js';

interface PendingRead {
  readonly what: string;
  readonly limit: number;
  /** For errors: how many bytes were to come, if that is known. */
  readonly total: number | undefined;
  readonly missing: (soFar: Buffer) => number;
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The reading side of a handshake, apart from where bytes come from: it says how many bytes it still wants, is given at
 * most that many, and settles the read that waits for them.
 */
export class ExactReader {
  #soFar: Buffer = Buffer.alloc(0);
  #wanted = 0;
  #pending: PendingRead | undefined;
  #ended: unknown;
  #isFirst = true;

  /** How many bytes may be taken off the connection now. */
  get wanted(): number {
    return this.#wanted;
  }

  read(length: number, what: string): Promise<Buffer> {
    return this.#start((soFar) => length - soFar.length, length, length, what);
  }

  readThrough(missing: (soFar: Buffer) => number, limit: number, what: string): Promise<Buffer> {
    return this.#start(missing, limit, undefined, what);
  }

  #start(missing: PendingRead['missing'], limit: number, total: number | undefined, what: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#soFar = Buffer.alloc(0);
      this.#pending = { what, limit, total, missing, resolve, reject };
      this.#continue();
    });
  }

  /** Takes bytes, at most as many as are wanted. */
  give(bytes: Uint8Array): void {
    this.#isFirst = false;
    this.#soFar = Buffer.concat([this.#soFar, bytes]);
    this.#continue();
  }

  /** No more bytes will come. `error`: a system error, an abort reason, or undefined for an orderly end. */
  end(error?: unknown, isAbort = false): void {
    this.#ended ??= { error, isAbort };
    this.#continue();
  }

  #continue(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    try {
      this.#wanted = pending.missing(this.#soFar);
      if (this.#wanted <= 0) {
        this.#settle(() => pending.resolve(this.#soFar));
        return;
      }
      if (this.#soFar.length >= pending.limit) throw tooLong(pending);
      this.#wanted = Math.min(this.#wanted, pending.limit - this.#soFar.length);
      if (this.#ended !== undefined) throw this.#endError(pending, this.#ended as { error: unknown; isAbort: boolean });
    } catch (error) {
      this.#settle(() => pending.reject(error));
    }
  }

  #settle(action: () => void): void {
    this.#pending = undefined;
    this.#wanted = 0;
    action();
  }

  #endError({ what, total }: PendingRead, { error, isAbort }: { error: unknown; isAbort: boolean }): unknown {
    if (isAbort) return error;
    const count = this.#soFar.length;
    const progress =
      count === 0 ? `before ${what}` : `after ${count}${total === undefined ? '' : ` of ${total}`} bytes of ${what}`;
    const how = error === undefined ? 'closed' : `broke (${reasonOf(error)})`;
    const code = this.#isFirst || error !== undefined ? 'unreachable' : 'protocol';
    return new FdpassError(code, `the connection ${how} ${progress}`, { cause: error });
  }
}

function tooLong({ what, limit }: PendingRead): FdpassError {
  return new FdpassError('protocol', `${what} has no end within ${limit} bytes`);
}
