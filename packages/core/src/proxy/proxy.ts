import type { Connection } from '../connection/connection.js';
import type { SocketOptions } from '../connection/socket-options.js';
import { needsRelayListener, routeContext } from '../dial/context.js';
import { type Chain, type DialContext, ownConnection } from '../dial/dialer.js';
import { AbortListener, type AbortState, abortStateOf, onAbort } from '../ground/abortable.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { promiseOf } from '../ground/promise-of.js';
import { normalizeHost } from '../ground/read-target.js';
import { MASK, showHost } from '../ground/shown.js';
import type { Target } from '../ground/target.js';
import { decodePercent } from '../ground/text.js';
import { noTrace } from '../ground/trace.js';
import { type HandshakeReport, handshakeReport } from './handshake-report.js';
import type { Prepared, Standby } from './standby.js';
import type { TlsOptions } from './tls.js';
import { tlsPlace } from './tls-place.js';

/** What a URL scheme means to a strategy, beside what the strategy adds itself. */
export interface ProxyScheme {
  /** The port where the URL names none. */
  readonly port: number;
  /** Whether the proxy is reached over TLS. */
  readonly tls?: boolean;
}

/** A proxy, as its URL says. */
export interface ProxyUrl<Scheme extends ProxyScheme = ProxyScheme> {
  /** The meaning of its scheme. */
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
  if (scheme === undefined)
    throw refuse(
      'the proxy',
      `does not begin with ${Object.keys(schemes)
        .map((scheme) => `${scheme}://`)
        .join(', ')}`,
    );
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
export interface ProxyReach<Greeting = undefined> {
  /** As its URL says. */
  readonly proxy: ProxyUrl;
  /** The hop's `tls` options. */
  readonly tls?: TlsOptions | undefined;
  /** The hops before this one. */
  readonly forward: Chain;
  /** What a path in the hop's options means. */
  readonly path: (written: string) => string;
  /** Connections that wait for dials to come. Default: none. */
  readonly warm?: WarmProxy<Greeting> | undefined;
}

/** Connections to a proxy that are made in advance. */
export interface WarmProxy<Greeting> {
  /** How many; the hop's option `warm`. Default: none. */
  readonly count: number | undefined;
  /** Of the strategy. */
  readonly host: { readonly standby: Standby; readonly socketDefaults: SocketOptions };
  /** What can be said to the proxy before the target is known. Default: nothing. */
  readonly greet?: ((connection: Connection) => Promise<Greeting>) | undefined;
  /** What the greeting depends on besides the proxy. Default: nothing. */
  readonly key?: string | undefined;
}

/**
 * Talks to a proxy over its connection until the tunnel is open.
 *
 * @param greeting What {@link WarmProxy.greet} gave; undefined if the proxy has not been greeted yet.
 */
type Talk<T, Greeting> = (
  connection: Connection,
  report: HandshakeReport,
  greeting: Greeting | undefined,
) => Promise<T>;

/**
 * Connects to a proxy, over TLS if its scheme says so, and holds a handshake with it, which tells `report` what it sends and
 * receives. A refusal that comes because of TLS is explained as that. If `talk` rejects or the signal aborts, the connection
 * is destroyed.
 *
 * A connection that was made in advance is used where there is one. If the proxy does not answer on it, `talk` is called again
 * on a new one.
 */
export function reachProxy<T, Greeting = undefined>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
  talk: Talk<T, Greeting>,
): Promise<Reached<T>> {
  return reachFor(reach, context, talk, withResult);
}

/** As {@link reachProxy}, for a handshake that gives nothing but the tunnel. */
export function tunnelThrough<Greeting = undefined>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
  talk: Talk<void, Greeting>,
): Promise<Connection> {
  return reachFor(reach, context, talk, connectionAlone);
}

/** A proxy that has been talked to. */
interface Reached<T> {
  readonly connection: Connection;
  /** What the talk has given. */
  readonly result: T;
}

/** What a successful talk resolves to. */
type Finish<T, R> = (connection: Connection, result: T) => R;

function withResult<T>(connection: Connection, result: T): Reached<T> {
  return { connection, result };
}

function connectionAlone(connection: Connection): Connection {
  return connection;
}

function reachFor<T, Greeting, R>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
  talk: Talk<T, Greeting>,
  finish: Finish<T, R>,
): Promise<R> {
  return promiseOf(() => {
    const prepared = takePrepared(reach, context);
    return prepared === undefined
      ? reachAnew(reach, context, talk, finish)
      : reachPrepared(reach, context, talk, finish, prepared);
  });
}

/** No async function: most dials wait here, and one would keep twice as much for each. */
function reachAnew<T, Greeting, R>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
  talk: Talk<T, Greeting>,
  finish: Finish<T, R>,
): Promise<R> {
  return connectTo(reach, context).then((connection) =>
    talkOver(reach, context, connection, (peer) => talk(peer, handshakeReport(context.trace), undefined), finish),
  );
}

async function reachPrepared<T, Greeting, R>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
  talk: Talk<T, Greeting>,
  finish: Finish<T, R>,
  prepared: Prepared<Greeting | undefined>,
): Promise<R> {
  const answer = { hasCome: false };
  context.trace({ event: 'note', text: 'using a connection to the proxy that was made in advance' });
  const report = noticing(answer, handshakeReport(context.trace));
  try {
    const connection = ownConnection(prepared.connection, context);
    return await talkOver(reach, context, connection, (peer) => talk(peer, report, prepared.greeting), finish);
  } catch (error) {
    if (answer.hasCome || context.signal.aborted) throw error;
    context.trace({ event: 'note', text: 'the proxy has closed that connection; making a new one' });
  }
  return reachAnew(reach, context, talk, finish);
}

/** @throws FdpassError `config` where connections cannot be made in advance */
export function checkWarm(warm: number | undefined, { isFirst }: { readonly isFirst: boolean }): void {
  if (warm === undefined || warm === 0 || isFirst) return;
  throw new FdpassError('config', 'option "warm": only the first hop of a route can have connections in advance');
}

/** Whether a hop has a user name or a password at all, in its URL or its options. */
export function hasCredentials(
  { username, password }: Pick<ProxyUrl, 'username' | 'password'>,
  options: { readonly credentials?: unknown },
): boolean {
  return username !== undefined || password !== undefined || options.credentials !== undefined;
}

function takePrepared<Greeting>(
  reach: ProxyReach<Greeting>,
  context: DialContext,
): Prepared<Greeting | undefined> | undefined {
  const { proxy, tls, path, warm } = reach;
  const { count = 0, host } = warm ?? {};
  if (warm === undefined || host === undefined || count === 0) return undefined;
  const { target, scheme } = proxy;
  const isPassed = needsRelayListener(context) !== undefined && tlsPlace(reach)?.by === 'kernel';
  const secured = tls && [{ ...tls, kernel: isPassed }, path('.')];
  const key = JSON.stringify([target, scheme, secured, host.socketDefaults, warm.key]);
  return host.standby.take({ key, count, open: (signal) => prepare(reach, warm, isPassed, signal) });
}

/** A connection that has been greeted. */
async function prepare<Greeting>(
  reach: ProxyReach<Greeting>,
  { greet }: WarmProxy<Greeting>,
  isPassed: boolean,
  wanted: AbortSignal,
): Promise<Prepared<Greeting | undefined>> {
  const over = new AbortController();
  const release = onAbort(wanted, (reason) => over.abort(reason));
  const needsRelay = (why: string): void => over.abort(new Error(why));
  const context = routeContext(over.signal, noTrace, isPassed ? needsRelay : undefined);
  try {
    const opened = await connectTo(reach, context);
    const greeted = async (peer: Connection): Promise<Greeting | undefined> => greet?.(peer);
    return await talkOver(reach, context, opened, greeted, (connection, greeting) => ({ connection, greeting }));
  } finally {
    release();
  }
}

/** Over TLS if the scheme says so. */
function connectTo(reach: Omit<ProxyReach, 'warm'>, context: DialContext): Promise<Connection> {
  const plain = reach.forward.dial(reach.proxy.target, context);
  return reach.proxy.scheme.tls === true ? plain.then((connection) => secure(connection, reach, context)) : plain;
}

async function secure(plain: Connection, reach: Omit<ProxyReach, 'warm'>, context: DialContext): Promise<Connection> {
  const { proxy, tls, path } = reach;
  const request = { host: proxy.target.host, options: tls, path, ...context };
  const onNeedsRelay = needsRelayListener(context);
  if (onNeedsRelay !== undefined && tlsPlace(reach)?.by === 'kernel') {
    const { wrapKernelTls } = await import('./kernel-tls.js');
    return ownConnection(await wrapKernelTls(plain, { ...request, onNeedsRelay }), context);
  }
  const { wrapTls } = await import('./tls.js');
  return wrapTls(plain, request);
}

/** Destroys the connection if `talk` rejects or the signal aborts. */
function talkOver<T, R>(
  { proxy }: Pick<ProxyReach, 'proxy'>,
  context: DialContext,
  connection: Connection,
  talk: (connection: Connection) => Promise<T>,
  finish: Finish<T, R>,
): Promise<R> {
  const destroying = new Destroying(connection, abortStateOf(context));
  return promiseOf(talk, connection).then(
    (result) => {
      destroying.stop();
      return finish(connection, result);
    },
    async (error: unknown) => {
      destroying.stop();
      connection.destroy();
      if (proxy.scheme.tls !== true) throw error;
      const { explainTlsFailure } = await import('./tls.js');
      throw explainTlsFailure(error, proxy.target.host);
    },
  );
}

/** Destroys a connection at an abort. */
class Destroying extends AbortListener {
  readonly #connection: Connection;

  constructor(connection: Connection, state: AbortState) {
    super();
    this.#connection = connection;
    this.listenTo(state);
  }

  override aborted(reason: unknown): void {
    this.#connection.destroy(reason);
  }
}

/** The same report, which also notices whether the proxy has answered. */
function noticing(answer: { hasCome: boolean }, report: HandshakeReport): HandshakeReport {
  return {
    isQuiet: false,
    sent: report.sent,
    received(text, details) {
      answer.hasCome = true;
      report.received(text, details);
    },
  };
}
