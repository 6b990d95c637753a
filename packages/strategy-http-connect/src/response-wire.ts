import { FdpassError, hintAtPeer } from '@fdpass/core';

/** The head of a response. */
export interface ResponseHead {
  /** `1.0` or `1.1` as the proxy wrote it. */
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** By lower-case name; a field that came several times has several values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** All of it as it came, from the status line on. */
  readonly lines: readonly string[];
}

const LF = 0x0a;
const CR = 0x0d;
const PREFIX = Buffer.from('HTTP/');

/**
 * How many more bytes can be read without taking one that belongs to the tunnel; 0 when the head is complete.
 *
 * A head ends with an empty line. Bare LF counts as a line end (RFC 9112 §2.2), so from the middle of a line at least
 * two bytes are missing, and after a line end at least one.
 *
 * @throws FdpassError `protocol` as soon as it cannot be HTTP.
 */
export function missingHeadBytes(soFar: Buffer): number {
  const { length } = soFar;
  for (let at = 0; at < length && at < PREFIX.length; at++) {
    if (soFar[at] !== PREFIX[at]) throw notHttp(soFar);
  }
  if (length < PREFIX.length) return PREFIX.length - length;
  const last = soFar[length - 1];
  if (last === CR) return 1;
  if (last !== LF) return 2;
  const previous = soFar[length - 2];
  const isEmptyLine = previous === LF || (previous === CR && soFar[length - 3] === LF);
  return isEmptyLine ? 0 : 1;
}

function notHttp(soFar: Buffer): FdpassError {
  return new FdpassError('protocol', 'the proxy does not speak HTTP', {
    hint: hintAtPeer(soFar, 'https') ?? 'check that it is an HTTP proxy',
  });
}

const STATUS_LINE = /^HTTP\/(\d\.\d) ([1-9]\d{2})(?: (.*))?$/;

/** Takes a complete head apart. Folded lines are joined (RFC 9112 §5.2). @throws FdpassError `protocol` */
export function parseHead(bytes: Buffer): ResponseHead {
  const [statusLine = '', ...lines] = bytes
    .toString('latin1')
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);
  const [, version = '', status, reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (status === undefined)
    throw new FdpassError(
      'protocol',
      `the proxy's status line is malformed: ${JSON.stringify(statusLine.slice(0, 60))}`,
    );
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue; // a malformed header line does not make the tunnel unusable
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value); // a proxy can send thousands, so they are not copied each time
  }
  return {
    version,
    status: Number(status),
    reason: reason.trim(),
    headers,
    lines: [statusLine, ...lines.filter((line) => line !== '')],
  };
}

/** Whether the same connection takes another request after this response's body (RFC 9112 §9.3; Proxy-Connection is what proxies still send). */
export function keepsAlive({ version, headers }: ResponseHead): boolean {
  const words = [...(headers.get('connection') ?? []), ...(headers.get('proxy-connection') ?? [])]
    .join(',')
    .toLowerCase();
  if (/\bclose\b/.test(words)) return false;
  return version !== '1.0' || /\bkeep-alive\b/.test(words);
}

/** The length of the body if Content-Length says it, `chunked` if it comes in chunks, undefined if only the end of the connection ends it. */
export function bodyLength({ headers, status }: ResponseHead): number | 'chunked' | undefined {
  if (status < 200 || status === 204 || status === 304) return 0;
  if ((headers.get('transfer-encoding') ?? []).some((value) => /chunked/i.test(value))) return 'chunked';
  const [length] = headers.get('content-length') ?? [];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
