import type { Connection } from '../connection/connection.js';
import type { Chain, DialContext } from '../dial/dialer.js';
import { onAbort } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { decodePercent } from '../ground/octets.js';
import { normalizeHost } from '../ground/read-target.js';
import { MASK, showHost } from '../ground/shown.js';
import type { Target } from '../ground/target.js';
import { type HandshakeReport, handshakeReport } from './handshake-report.js';
import type { TlsOptions } from './tls.js';

/** What a URL scheme means to a strategy, beside what the strategy adds itself. */
export interface ProxyScheme {
  /** The port where the URL names none. */
  readonly port: number;
  /** Whether the proxy is reached over TLS. */
  readonly tls?: boolean;
}

/** A proxy, as its URL says. */
export interface ProxyUrl<Scheme extends ProxyScheme = ProxyScheme> {
  /** What its scheme means. */
  readonly scheme: Scheme;
  /** Where it is; a unix socket is the host `unix/PATH`. */
  readonly target: Target;
  /** From the URL's user-info, decoded. Empty where that begins with a colon. */
  readonly username?: string | undefined;
  /** From the URL's user-info, decoded. Empty where nothing follows its colon. */
  readonly password?: string | undefined;
}

/**
 * Reads the URL of a proxy: `SCHEME://[USER[:PASSWORD]@]HOST[:PORT]`, an IPv6 address in brackets with a zone if it has
 * one (RFC 6874), or `SCHEME://unix:/PATH` for a unix socket (curl writes `SCHEME://localhost/PATH`). Percent-encoding is
 * decoded; octets that are not UTF-8 are sent as they are (`octetsOf`).
 *
 * @param schemes By name, in lower case.
 * @param example How to write one, for hints.
 * @throws FdpassError `config` that shows no more of the URL than its scheme and host.
 */
export function readProxyUrl<Scheme extends ProxyScheme>(
  text: string,
  schemes: Readonly<Record<string, Scheme>>,
  example: string,
): ProxyUrl<Scheme> {
  const refuse = (shown: string, problem: string): FdpassError =>
    new FdpassError('config', `${shown} ${problem}`, { hint: `write ${example}` });
  const [, word = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text.trim()) ?? [];
  const name = word.toLowerCase();
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
  if (scheme === undefined) throw refuse('the proxy', `is not the URL of one of ${Object.keys(schemes).join(', ')}`);
  const hidden = `${name}://${MASK}`;
  // In YAML and many languages "CORP\bob" between double quotes has one: \b is a backspace.
  if (/\p{Cc}/u.test(rest)) throw refuse(hidden, 'has a control character in it: write a backslash as %5C');
  const end = rest.search(/[/?#]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const after = end === -1 ? '' : rest.slice(end);
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  // An "@" further on means that the user-info has a slash in it, and what looks like a host is a part of that.
  const shown = after.includes('@') || place === '' ? hidden : `${name}://${showHost(place)}`;
  const advice = after.includes('@') ? ': in a user name or password, write "/", "?" and "#" as %2F, %3F and %23' : '';
  const target = readPlace(place, after, scheme.port, (problem) => refuse(shown, problem + advice));
  return { scheme, target, ...(at !== -1 && readUserInfo(authority.slice(0, at))) };
}

type Refuse = (problem: string) => FdpassError;

function readPlace(place: string, after: string, defaultPort: number, refuse: Refuse): Target {
  const isSocket = /^(?:unix|localhost)(?::\d*)?$/i.test(place) && after.length > 1;
  if (isSocket && !/[?#]/.test(after)) return { host: `unix${pathOf(after, refuse)}`, port: defaultPort };
  if (/[?#]/.test(after)) throw refuse('has a query or a fragment');
  if (after !== '' && after !== '/') throw refuse('has a path');
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(place) ?? [];
  // RFC 6874 writes the zone's percent sign as %25; like curl we take it alone too.
  const host = bracketed?.replace(/%25(?=.)/, '%') ?? bare;
  if (host === undefined) throw refuse('is not a host and a port');
  if (host === '') throw refuse('names no host');
  return { host: hostOf(host, bracketed !== undefined, refuse), port: portOf(port, defaultPort, refuse) };
}

/** The kernel reads a path up to its first NUL, so a path with one in it would lead elsewhere. */
function pathOf(written: string, refuse: Refuse): string {
  const path = decodePercent(written);
  if (path.includes('\0')) throw refuse('has a NUL byte in its path');
  return path;
}

function hostOf(host: string, isBracketed: boolean, refuse: Refuse): string {
  const decoded = isBracketed ? host : decodePercent(host);
  try {
    return normalizeHost(decoded, ['host']);
  } catch (error) {
    throw isFdpassError(error) ? refuse('does not name a host') : error;
  }
}

function portOf(written: string | undefined, defaultPort: number, refuse: Refuse): number {
  if (written === undefined || written === '') return defaultPort;
  const port = Number(written);
  if (port >= 1 && port <= 65535) return port;
  throw refuse('has a port that is not a number from 1 to 65535');
}

/** `USER` gives no password, `USER:` an empty one, and `:PASSWORD` an empty user name. */
function readUserInfo(text: string): Pick<ProxyUrl, 'username' | 'password'> {
  const [username = '', ...password] = text.split(':');
  if (text === '' || text === ':') return {};
  if (password.length === 0) return { username: decodePercent(username) };
  return { username: decodePercent(username), password: decodePercent(password.join(':')) };
}

/** How {@link reachProxy} reaches a proxy. */
export interface ProxyReach {
  /** As its URL says. */
  readonly proxy: ProxyUrl;
  /** The hop's `tls` options. */
  readonly tls?: TlsOptions | undefined;
  /** The hops before this one. */
  readonly forward: Chain;
  /** What a path in the hop's options means. */
  readonly path: (written: string) => string;
}

/**
 * Connects to a proxy, over TLS if its scheme says so, and holds a handshake with it, which tells `report` what it sends and
 * receives. A refusal that comes because of TLS is explained as that. If `talk` rejects or the signal aborts, the connection
 * is destroyed.
 */
export async function reachProxy<T>(
  { proxy, tls, forward, path }: ProxyReach,
  context: DialContext,
  talk: (connection: Connection, report: HandshakeReport) => Promise<T>,
): Promise<{ readonly connection: Connection; readonly result: T }> {
  const plain = await forward.dial(proxy.target, context);
  const { host } = proxy.target;
  const { signal, trace } = context;
  const tlsModule = proxy.scheme.tls === true ? await import('./tls.js') : undefined;
  const connection = (await tlsModule?.wrapTls(plain, { host, options: tls, path, signal, trace })) ?? plain;
  const release = onAbort(signal, (reason) => connection.destroy(reason));
  try {
    return { connection, result: await talk(connection, handshakeReport(trace)) };
  } catch (error) {
    connection.destroy();
    throw tlsModule === undefined ? error : tlsModule.explainTlsFailure(error, host);
  } finally {
    release();
  }
}
