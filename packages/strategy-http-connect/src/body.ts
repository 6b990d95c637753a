import { type Clock, type Connection, FdpassError, oneLine } from '@fdpass/core';
import { MAX_BODY_BYTES } from './constants.js';
import { bodyLength, type ResponseHead } from './response-wire.js';

const LF = 0x0a;
const MAX_CHUNK_LINE = 1024;
const CHUNK_SIZE = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i;

/**
 * Reads a response's body up to its end, or gives undefined if it is longer than `limit` or ends only with the
 * connection: then the connection cannot be used again.
 */
export async function readBody(peer: Connection, head: ResponseHead, limit: number): Promise<Buffer | undefined> {
  const length = bodyLength(head);
  if (length === 'chunked') return readChunks(peer, limit);
  if (length === undefined || length > limit) return undefined;
  return length === 0 ? Buffer.alloc(0) : peer.read(length, "the response's body");
}

/** RFC 9112 §7.1: size in hexadecimal, CRLF, data, CRLF; a chunk of size 0 and the trailer end it. */
async function readChunks(peer: Connection, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const [, digits] = CHUNK_SIZE.exec(await readLine(peer)) ?? [];
    if (digits === undefined) throw malformed();
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    total += size;
    if (total > limit) return undefined;
    chunks.push(await peer.read(size, 'a chunk of the body'));
    if ((await readLine(peer)) !== '') throw malformed();
  }
  while ((await readLine(peer)) !== '');
  return Buffer.concat(chunks);
}

function malformed(): FdpassError {
  return new FdpassError('protocol', "the proxy's chunked body is malformed");
}

async function readLine(peer: Connection): Promise<string> {
  const line = await peer.readThrough(
    (soFar) => (soFar.at(-1) === LF ? 0 : 1),
    MAX_CHUNK_LINE,
    "the body's chunk size",
  );
  return line.toString('latin1').replace(/\r?\n$/, '');
}

/** How long an error waits for the page that comes with it: the status is what matters. */
const EXCERPT_WAIT_MS = 500;
const LAST_CHUNK = '\r\n0\r\n\r\n';

/**
 * The beginning of an error's body, as much as arrives soon; the connection cannot be used afterwards. Never rejects: a
 * body that is cut short, or never comes, must not hide the status.
 */
export async function readExcerpt(peer: Connection, head: ResponseHead, clock: Clock): Promise<Buffer> {
  const length = bodyLength(head);
  const isChunked = length === 'chunked';
  const wanted = Math.min(typeof length === 'number' ? length : MAX_BODY_BYTES, MAX_BODY_BYTES);
  let soFar: Buffer = Buffer.alloc(0);
  const missing = (bytes: Buffer): number => {
    soFar = bytes;
    return isChunked && bytes.subarray(-LAST_CHUNK.length).equals(Buffer.from(LAST_CHUNK)) ? 0 : wanted - bytes.length;
  };
  let cancel = (): void => {};
  const waited = new Promise<void>((resolve) => {
    cancel = clock.after(EXCERPT_WAIT_MS, resolve);
  });
  const read = peer.readThrough(missing, MAX_BODY_BYTES + 1, "the response's body").catch(() => {});
  await Promise.race([read, waited]).finally(cancel);
  return isChunked ? joinChunks(soFar) : soFar;
}

/** The data of a chunked body, the last chunk perhaps cut short. */
function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf(LF, at);
    const size = lineEnd === -1 ? 0 : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 1, lineEnd + 1 + size));
    at = bytes.indexOf(LF, lineEnd + 1 + size) + 1 || bytes.length;
  }
}

const QUOTED_LENGTH = 120;

/** A few words of an error page, fit for a terminal: without tags and control characters. Undefined if there are none. */
export function quoteBody(page: string): string | undefined {
  const text = oneLine(
    page.replace(/<(style|script|head)\b.*?(?:<\/\1>|$)/gis, ' ').replace(/<!--.*?(?:-->|$)|<[^<>]*>/gs, ' '),
  ).replace(/\s+/g, ' ');
  if (text === '') return undefined;
  return text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH).trim()}…` : text;
}
