import { FdpassError, hintAtPeer } from '@fdpass/core';

const LF = 0x0a;
const CR = 0x0d;
const PREFIX = Buffer.from('HTTP/');
const LINE_END = /\r?\n/;

/**
 * How many more bytes can be read without taking one that belongs to the tunnel; 0 when the head is complete.
 *
 * A head ends with an empty line. Bare LF counts as a line end (RFC 9112 §2.2), so from the middle of a line at least
 * two bytes are missing, and after a line end at least one.
 *
 * @param seen What has arrived, from the first byte on.
 * @throws FdpassError `protocol` as soon as it cannot be HTTP.
 */
export function missingHeadBytes(soFar: Buffer, seen: Buffer = soFar): number {
  const { length } = soFar;
  for (let at = 0; at < seen.length && at < PREFIX.length; at++) {
    if (seen[at] !== PREFIX[at]) throw notHttp(seen);
  }
  if (seen.length < PREFIX.length) return PREFIX.length - length;
  const end = endOfHead(seen, Math.max(0, length - 1)); // what was read before has none
  if (end !== -1) return end - length;
  const last = seen[seen.length - 1];
  return seen.length - length + (last === LF || last === CR ? 1 : 2);
}

/** Where the tunnel begins; -1 if that has not come. @param from Where to look for the last octet of the head. */
function endOfHead(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    const before = bytes[at - 1] === CR ? at - 2 : at - 1;
    if (bytes[before] === LF) return at + 1;
  }
  return -1;
}

function notHttp(soFar: Buffer): FdpassError {
  return new FdpassError('protocol', 'the proxy does not speak HTTP', {
    hint: hintAtPeer(soFar, 'https') ?? 'check that it is an HTTP proxy',
  });
}

const STATUS_LINE = /^HTTP\/(\d\.\d) ([1-9]\d{2})(?: (.*))?$/;

/** Takes a complete head apart. @throws FdpassError `protocol` */
export function parseHead(bytes: Buffer): ResponseHead {
  // Folded lines are joined (RFC 9112 §5.2).
  const text = bytes.toString('latin1').replace(/\r?\n[ \t]+/g, ' ');
  const [statusLine = ''] = text.split(LINE_END, 1);
  const [, version = '', status, reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (status === undefined)
    throw new FdpassError(
      'protocol',
      `the proxy's status line is malformed: ${JSON.stringify(statusLine.slice(0, 60))}`,
    );
  return new ResponseHead(version, Number(status), reason.trim(), text);
}

/** The head of a response. */
export class ResponseHead {
  /** `1.0` or `1.1` as the proxy wrote it. */
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly #text: string;
  #headers: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(version: string, status: number, reason: string, text: string) {
    this.version = version;
    this.status = status;
    this.reason = reason;
    this.#text = text;
  }

  /** All of it as it came, from the status line on. */
  get lines(): readonly string[] {
    return this.#text.split(LINE_END).filter((line, at) => at === 0 || line !== '');
  }

  /** By lower-case name; a field that came several times has several values. Nobody asks for those of a tunnel that is open. */
  get headers(): ReadonlyMap<string, readonly string[]> {
    this.#headers ??= headersOf(this.lines.slice(1));
    return this.#headers;
  }
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
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
  return headers;
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
