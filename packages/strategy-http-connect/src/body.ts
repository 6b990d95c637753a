import { FdpassError, oneLine, type Peer } from '@fdpass/core';
import { bodyLength, type ResponseHead } from './response-wire.js';

const LF = 0x0a;
const MAX_CHUNK_LINE = 1024;

/**
 * Reads a response's body up to its end, or gives undefined if it is longer than `limit` or ends only with the
 * connection: then the connection is of no further use.
 */
export async function readBody(peer: Peer, head: ResponseHead, limit: number): Promise<Buffer | undefined> {
  const length = bodyLength(head);
  if (length === 'chunked') return readChunks(peer, limit);
  if (length === undefined || length > limit) return undefined;
  return length === 0 ? Buffer.alloc(0) : peer.read(length, "the response's body");
}

/** RFC 9112 §7.1: size in hexadecimal, CRLF, data, CRLF; a chunk of size 0 and the trailer end it. */
async function readChunks(peer: Peer, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const size = Number.parseInt((await readLine(peer)).split(';', 1)[0] ?? '', 16);
    if (Number.isNaN(size)) throw new FdpassError('protocol', "the proxy's chunked body is malformed");
    if (size === 0) break;
    total += size;
    if (total > limit) return undefined;
    chunks.push(await peer.read(size, 'a chunk of the body'));
    await readLine(peer);
  }
  while ((await readLine(peer)) !== '');
  return Buffer.concat(chunks);
}

async function readLine(peer: Peer): Promise<string> {
  const line = await peer.readThrough(
    (soFar) => (soFar.at(-1) === LF ? 0 : 1),
    MAX_CHUNK_LINE,
    "the body's chunk size",
  );
  return line.toString('latin1').replace(/\r?\n$/, '');
}

const QUOTED_LENGTH = 120;

/** A few words of an error page, fit for a terminal: tags and control characters are gone. */
export function quoteBody(body: Buffer | undefined): string | undefined {
  const text = oneLine(
    (body ?? Buffer.alloc(0))
      .toString('utf8')
      .replace(/<(style|script|head)\b.*?<\/\1>/gis, ' ')
      .replace(/<[^>]*>/g, ' '),
  ).replace(/\s+/g, ' ');
  if (text === '') return undefined;
  return text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text;
}
