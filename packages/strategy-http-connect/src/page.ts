import { oneLine } from '@fdpass/core';
import { decodeEntities } from './html-entities.js';
import type { ResponseHead } from './response-wire.js';

const QUOTED_LENGTH = 120;

/** A page of a few kilobytes has seldom more than this to it; what unpacks to more is not quoted. */
const MAX_UNPACKED_BYTES = 1024 * 1024;

/**
 * A few words of an error's page, fit for a terminal: unpacked, in its own charset, without tags and control characters.
 * Undefined if there are none.
 *
 * @param mask Takes secrets out: some pages repeat the request.
 */
export function quotePage(page: Buffer, { headers }: ResponseHead, mask: (text: string) => string): string | undefined {
  const unpacked = unpack(page, headers.get('content-encoding')?.at(-1));
  if (unpacked === undefined) return undefined;
  const masked = mask(unpacked.toString('latin1')); // octets: a charset must not turn a secret into something else
  const html = mask(decodeText(masked, charsetOf(headers.get('content-type')?.at(-1) ?? '', masked)));
  const text = mask(wordsOf(html) || wordsOf(/<title\b[^<>]*>(.*?)(?:<\/title|$)/is.exec(html)?.[1] ?? ''));
  if (text === '') return undefined;
  return text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH).trim()}\u2026` : text;
}

function wordsOf(html: string): string {
  const text = html
    .replace(/<(style|script|head)\b.*?(?:<\/\1>|$)/gis, ' ')
    .replace(/<!--.*?(?:-->|$)|<[^<>]*>|<(?:[a-z/][^<>]*)?$/gis, ' '); // the last tag may be cut short
  return oneLine(decodeEntities(text)).replace(/\s+/g, ' ').trim();
}

/** The page as it was before its Content-Encoding; the end may be missing. Undefined for an encoding that we do not know. */
function unpack(page: Buffer, encoding = ''): Buffer | undefined {
  const name = encoding.toLowerCase();
  if (name === '' || name === 'identity') return page;
  const zlib = process.getBuiltinModule('node:zlib'); // loaded only for pages that need it
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;
  const options = { maxOutputLength: MAX_UNPACKED_BYTES, finishFlush: Z_SYNC_FLUSH };
  try {
    if (name === 'gzip' || name === 'x-gzip') return zlib.gunzipSync(page, options);
    if (name === 'br') return zlib.brotliDecompressSync(page, { ...options, finishFlush: BROTLI_OPERATION_FLUSH });
    if (name !== 'deflate') return undefined;
    // RFC 9110 §8.4.1.2: with a zlib header, which many leave out. Its first byte says so.
    return ((page[0] ?? 0) & 0x0f) === 8 ? zlib.inflateSync(page, options) : zlib.inflateRawSync(page, options);
  } catch {
    return undefined;
  }
}

/** The charset that the header names, or a `meta` of the page. */
function charsetOf(contentType: string, html: string): string | undefined {
  const tags = html.match(/<meta\b[^<>]*/gi) ?? [];
  return [contentType, ...tags].map(charsetIn).find((charset) => charset !== undefined);
}

function charsetIn(text: string): string | undefined {
  return /charset\s*=\s*["']?([\w.:-]+)/i.exec(text)?.[1];
}

/** Octets as text: in this charset if they are valid in it, else as UTF-8, else as Latin-1. The end may be missing. */
export function decodeText(octets: string, charset = 'utf-8'): string {
  const bytes = Buffer.from(octets, 'latin1');
  for (const label of [charset, 'utf-8']) {
    try {
      return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
    } catch {
      // Not a charset that Node knows, or not what the bytes are in.
    }
  }
  return octets;
}
