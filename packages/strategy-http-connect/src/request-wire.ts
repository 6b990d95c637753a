import { FdpassError, fdpassVersion, ipFamily, isHeaderName, type Target } from '@fdpass/core';

export type Headers = Readonly<Record<string, string>>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 §5.6.2
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/; // RFC 9110 §5.5: no CR, LF or NUL

const HOST = /^[^\p{Cc}\s/?#@]+$/u; // RFC 3986 §3.2.2: what would end the authority, or the request line

/**
 * The request target of CONNECT: host and port, IPv6 in brackets (RFC 9110 §7.1, RFC 9112 §3.2.3).
 *
 * @throws FdpassError `config` for what no proxy could reach, a socket's path among it.
 */
export function authorityOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  if (!HOST.test(host))
    throw new FdpassError('config', `${JSON.stringify(host)} is not a host that an HTTP proxy could reach`);
  if (ipFamily(host) !== 6) return `${host}:${port}`;
  return `[${host.split('%', 1)[0]}]:${port}`; // a zone means nothing to the proxy (RFC 6874 §1)
}

/**
 * The request head, ready to send. The caller's headers replace ours of the same name; an empty value removes ours.
 *
 * @throws FdpassError `config` for an authorization (a user name) that would be more than a line.
 */
export function encodeConnect(authority: string, extra: Headers, authorization?: string): Buffer {
  if (authorization !== undefined && !FIELD_VALUE.test(authorization))
    throw new FdpassError('config', 'the user name has a line break or a control character in it');
  let head = `${requestLine(authority)}\r\n`;
  for (const { name, value } of fieldsOf(authority, extra, authorization)) head += `${name}: ${value}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** The lines of the same head as they can be shown: the caller's headers can hold tokens, so their values are masked. */
export function showConnect(authority: string, extra: Headers, authorization?: string): string[] {
  const fields = fieldsOf(authority, extra, authorization);
  return [requestLine(authority), ...fields.map(({ name, shown }) => `${name}: ${shown}`)];
}

function requestLine(authority: string): string {
  return `CONNECT ${authority} HTTP/1.1`;
}

interface Field {
  readonly name: string;
  readonly value: string;
  /** The value without what is secret in it. */
  readonly shown: string;
}

const MASK = '***';

function fieldsOf(authority: string, extra: Headers, authorization: string | undefined): Field[] {
  const agent = `fdpass/${fdpassVersion()}`; // some proxies refuse who does not say what it is
  const ours: Field[] = [
    { name: 'Host', value: authority, shown: authority },
    { name: 'User-Agent', value: agent, shown: agent },
  ];
  const others = Object.entries(extra);
  if (others.length === 0 && authorization === undefined) return ours; // mostly
  const fields = new Map(ours.map((field) => [field.name.toLowerCase(), field]));
  const set = (name: string, value: string, shown: string): unknown =>
    fields.set(name.toLowerCase(), { name, value, shown });
  for (const [name, value] of others) {
    if (value !== '' || !fields.delete(name.toLowerCase())) set(name, value, MASK);
  }
  if (authorization !== undefined)
    set('Proxy-Authorization', authorization, `${authorization.split(' ', 1)[0]} ${MASK}`);
  return [...fields.values()];
}

/** @throws FdpassError `config` for a header that could not be sent as one line. */
export function checkHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) throw new FdpassError('config', 'option "headers": a key is not a header name');
    if (!FIELD_VALUE.test(value)) {
      const which = isHeaderName(name) ? `the value of ${JSON.stringify(name)}` : 'a value';
      throw new FdpassError('config', `option "headers": ${which} has a line break or a control character in it`);
    }
  }
}
