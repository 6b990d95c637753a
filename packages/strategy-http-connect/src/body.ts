import { type Clock, type Connection, FdpassError } from '@fdpass/core';
import { MAX_BODY_BYTES, MAX_DRAIN_BYTES } from './constants.js';
import { bodyLength, type ResponseHead } from './response-wire.js';

const LF = 0x0a;
const MAX_CHUNK_LINE = 1024;
const CHUNK_SIZE = /^0*([0-9a-f]{1,8})[ \t]*(?:;|$)/i;
const WHAT = "the response's body";

/**
 * How long a body can take that we could do without. The head says all that matters: a retry can go over a new connection,
 * and an error without its page still has its status.
 */
const PATIENCE_MS = 500;

/**
 * Reads a response's body away, and says whether the connection can be used again. It cannot if the body is too long, ends
 * only with the connection, breaks or does not come soon. Never rejects.
 */
export async function drainBody(peer: Connection, head: ResponseHead, clock: Clock): Promise<boolean> {
  const length = bodyLength(head);
  if (length === 0) return true;
  if (length === undefined || (length !== 'chunked' && length > MAX_DRAIN_BYTES)) return false;
  const reading =
    length === 'chunked' ? peer.readThrough(new ChunkedBody().missing, MAX_DRAIN_BYTES, WHAT) : peer.read(length, WHAT);
  return arrivesSoon(reading, clock);
}

/**
 * The beginning of an error's body, as much as arrives soon; the connection cannot be used afterwards. Never rejects: a
 * body that is cut short, or never comes, must not hide the status.
 */
export async function readExcerpt(peer: Connection, head: ResponseHead, clock: Clock): Promise<Buffer> {
  const length = bodyLength(head);
  const chunks = length === 'chunked' ? new ChunkedBody() : undefined;
  const wanted = Math.min(typeof length === 'number' ? length : MAX_BODY_BYTES, MAX_BODY_BYTES);
  let soFar: Buffer = Buffer.alloc(0);
  const missing = (bytes: Buffer): number => {
    soFar = bytes;
    return chunks?.missing(bytes) ?? wanted - bytes.length;
  };
  await arrivesSoon(peer.readThrough(missing, MAX_BODY_BYTES + 1, WHAT), clock);
  return chunks?.dataOf(soFar) ?? soFar;
}

/** Whether all of it came, and in time. */
async function arrivesSoon(reading: Promise<unknown>, clock: Clock): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(PATIENCE_MS, () => resolve(false));
  });
  const read = reading.then(
    () => true,
    () => false,
  );
  return Promise.race([read, late]).finally(cancel);
}

/**
 * Follows a chunked body as it arrives (RFC 9112 §7.1): size in hexadecimal, CRLF, data, CRLF; a chunk of size 0 and the
 * trailer end it. Whoever reads limits the whole of it, trailer and sizes included.
 */
class ChunkedBody {
  readonly #chunks: (readonly [start: number, end: number])[] = [];
  #expected: 'size' | 'end of data' | 'trailer' = 'size';
  /** Where the next line begins. */
  #at = 0;

  /** How many bytes can be read without taking one of what follows; 0 at the end. @throws FdpassError `protocol` */
  readonly missing = (soFar: Buffer): number => {
    for (;;) {
      if (soFar.length < this.#at) return this.#at - soFar.length;
      const lineEnd = soFar.indexOf(LF, this.#at);
      if (lineEnd === -1 && soFar.length - this.#at > MAX_CHUNK_LINE) throw malformed();
      if (lineEnd === -1) return 1;
      const line = soFar.toString('latin1', this.#at, lineEnd).replace(/\r$/, '');
      this.#at = lineEnd + 1;
      if (this.#expected === 'trailer' && line === '') return 0;
      if (this.#expected !== 'trailer') this.#takeLine(line);
    }
  };

  #takeLine(line: string): void {
    if (this.#expected === 'end of data') {
      if (line !== '') throw malformed();
      this.#expected = 'size';
      return;
    }
    const [, digits] = CHUNK_SIZE.exec(line) ?? [];
    if (digits === undefined) throw malformed();
    const size = Number.parseInt(digits, 16);
    this.#expected = size === 0 ? 'trailer' : 'end of data';
    this.#chunks.push([this.#at, this.#at + size]);
    this.#at += size;
  }

  /** The data in the bytes so far, the last chunk perhaps cut short. */
  dataOf(soFar: Buffer): Buffer {
    return Buffer.concat(this.#chunks.map(([start, end]) => soFar.subarray(start, end)));
  }
}

function malformed(): FdpassError {
  return new FdpassError('protocol', "the proxy's chunked body is malformed");
}
