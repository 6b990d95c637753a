import { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { isFdpassError } from '../ground/errors.js';

/*
 * A TLS library takes what the network gives it, also what comes after the handshake. This transport gives it whole records,
 * one at a time, so that the kernel can go on after any of them.
 */

const HEADER = 5;
/** RFC 5246, section 6.2.3: the most that a record holds. */
const MAX_FRAGMENT = (1 << 14) + 2048;

/** Content types of the records of a handshake (RFC 8446, section 5.1). */
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const RANDOM_AT = HEADER + 4 + 2; // message type and length, version
const RANDOM_LENGTH = 32;

/** The stream under a TLS library's socket. It does not own the connection. */
export class RecordTransport extends Duplex {
  readonly #connection: Connection;
  readonly #written = new RecordCutter();
  #isReading = true;
  #isClosed = false;
  #isHolding = false;
  #held: Buffer | undefined;
  #serverRandom: Buffer | undefined;
  #stopsAtFinished = false;
  #cipherChanged = false;

  constructor(connection: Connection) {
    super({ allowHalfOpen: true, readableHighWaterMark: 0 }); // nothing is read ahead
    this.#connection = connection;
  }

  /** From the first ServerHello; undefined before. */
  get serverRandom(): Buffer | undefined {
    return this.#serverRandom;
  }

  /** Takes no further record off the connection. Has its effect at once also inside the library's callbacks. */
  stopReading(): void {
    this.#isReading = false;
  }

  /** TLS 1.2: takes no record after the server's Finished, which is the first one after its ChangeCipherSpec. */
  stopAtFinished(): void {
    this.#stopsAtFinished = true;
  }

  /** From now on the last record that the library has written waits until there is a further one. */
  holdLast(): void {
    this.#isHolding = true;
  }

  /** Reads and sends nothing any more. Returns the record that waits. */
  close(): Buffer | undefined {
    this.stopReading();
    this.#isClosed = true;
    return this.#held;
  }

  /** The next turn begins before the next record is read: what the library does with this one decides whether it is. */
  override _read(): void {
    setImmediate(() => {
      if (this.#isReading && !this.destroyed) void this.#take();
    });
  }

  async #take(): Promise<void> {
    try {
      const record = await this.#connection.readThrough(missingRecordBytes, HEADER + MAX_FRAGMENT, 'the TLS handshake');
      this.#look(record);
      this.push(record);
    } catch (error) {
      const cause = causeOf(error);
      if (cause === undefined) this.push(null);
      else this.destroy(cause);
    }
  }

  #look(record: Buffer): void {
    const type = record[0];
    if (type === HANDSHAKE && record[HEADER] === SERVER_HELLO)
      this.#serverRandom ??= record.subarray(RANDOM_AT, RANDOM_AT + RANDOM_LENGTH);
    if (!this.#stopsAtFinished) return;
    if (type === CHANGE_CIPHER_SPEC) this.#cipherChanged = true;
    else if (this.#cipherChanged) this.stopReading();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const records = this.#isClosed ? [] : this.#written.cut(chunk);
    this.#send(records).then(
      () => done(),
      (error: unknown) => done(causeOf(error) ?? (error as Error)),
    );
  }

  async #send(records: readonly Buffer[]): Promise<void> {
    for (const record of records) {
      const next = this.#isHolding ? this.#held : record;
      if (this.#isHolding) this.#held = record;
      if (next !== undefined) await this.#connection.write(next);
    }
  }
}

/** The system's error, which the library reports as if it had met it itself; undefined for an orderly end. */
function causeOf(error: unknown): Error | undefined {
  return (isFdpassError(error) ? error.cause : error) as Error | undefined;
}

/** How many bytes are missing of the record at the beginning; 0 for a whole one, and for what is not TLS. */
function missingRecordBytes(soFar: Buffer): number {
  if (soFar.length < HEADER) return HEADER - soFar.length;
  const [type = 0, major] = soFar;
  const length = soFar.readUInt16BE(3);
  const isTls = type >= CHANGE_CIPHER_SPEC && type <= 23 && major === 3 && length <= MAX_FRAGMENT;
  return isTls ? HEADER + length - soFar.length : 0; // the library says what it is
}

/** Cuts a stream of bytes into records. */
class RecordCutter {
  #rest: Buffer = Buffer.alloc(0);

  cut(bytes: Buffer): readonly Buffer[] {
    let rest = Buffer.concat([this.#rest, bytes]);
    const records: Buffer[] = [];
    for (;;) {
      const length = rest.length < HEADER ? Number.POSITIVE_INFINITY : HEADER + rest.readUInt16BE(3);
      if (rest.length < length) break;
      records.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return records;
  }
}
