import { STATUS_CODES } from 'node:http';
import { answerTo, describeFailure } from './failure.js';
import type { Password } from './password.js';

/* What an HTTP proxy reads and writes (RFC 9110, RFC 9112), apart from what Node's own parser does. */

/** An answer of the proxy itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** One line of text. */
  readonly body: string;
}

/** A host and a port, taken apart; undefined if they cannot be. */
export interface Authority {
  readonly host: string;
  readonly port: number;
}

/** Where a request with a URL goes. */
export interface AbsoluteTarget extends Authority {
  /** For the Host field. */
  readonly authority: string;
  /** Path and query, as they were written; empty where there are none. */
  readonly path: string;
}

/** `host:port` or `[2001:db8::1]:port`; without a port it is `defaultPort`, if there is one. */
export function readAuthority(text: string, defaultPort?: number): Authority | undefined {
  const [, host = '', written] = /^(\[[^\]]+\]|[^:@]+)(?::(\d{0,5}))?$/.exec(text) ?? [];
  const port = written || defaultPort;
  if (host === '' || port === undefined) return undefined;
  return { host: host.replace(/%25(?=.+\]$)/, '%'), port: Number(port) }; // a zone, as RFC 6874 §2 has it
}

/** An `http://` URL in a request line (RFC 9112 §3.2.2). No URL parser: what the server gets is what the client wrote. */
export function readAbsoluteTarget(url: string): AbsoluteTarget | undefined {
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]+)([/?][^#]*)?$/i.exec(url) ?? [];
  const place = readAuthority(authority, 80);
  return place && { ...place, authority, path: path.startsWith('?') ? `/${path}` : path };
}

/** The user and password of a Proxy-Authorization field with the scheme Basic (RFC 7617). */
export function readCredentials(field: string | undefined): Password | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_=-]+)$/i.exec(field ?? '') ?? [];
  const [, user, password] = /^([^:]*):(.*)$/s.exec(String(Buffer.from(encoded ?? '', 'base64'))) ?? [];
  return user === undefined || password === undefined ? undefined : { user, password };
}

/** Fields that are for the next hop only (RFC 9110 §7.6.1), and Host, which follows from the URL. */
const NOT_FORWARDED = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Whether this is the one transfer coding that is taken off here and put on again; another would change what the body means. */
export function isChunked(transferEncoding: string): boolean {
  return transferEncoding.trim().toLowerCase() === 'chunked';
}

/** The fields of a message that go on, as names and values in turn, with our own Via (RFC 9110 §7.6.3). */
export function forwardedHeaders(raw: readonly string[], connection: string | undefined): string[] {
  const named = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...NOT_FORWARDED, ...named]);
  dropped.delete('content-length'); // without it the body would be taken for the next message
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    if (!dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return [...kept, 'Via', '1.1 fdpass'];
}

/** Why a connection failed. The field tells it to those who look at the answer with `curl -v`, which shows no body. */
export function failed(error: unknown): OwnAnswer {
  const { status, type } = answerTo(error);
  const details = describeFailure(error)
    .replaceAll(/[^ -~]/g, '?')
    .replaceAll(/["\\]/g, '\\$&');
  return {
    status,
    headers: { 'Proxy-Status': `fdpass; error=${type}; details="${details}"` },
    body: describeFailure(error),
  };
}

export const UNAUTHORIZED: OwnAnswer = {
  status: 407,
  headers: { 'Proxy-Authenticate': 'Basic realm="fdpass", charset="UTF-8"' },
  body: 'fdpass: this proxy wants a user name and a password',
};

/** A request that makes no sense to a proxy. */
export function badRequest(why: string): OwnAnswer {
  return { status: 400, headers: {}, body: `fdpass: ${why}` };
}

/** A whole message, after which the connection is closed. */
export function encodeAnswer({ status, headers, body }: OwnAnswer): Buffer {
  const text = `${body}\n`;
  const fields = {
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n'));
}

export const CONNECTED: Buffer = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n');
