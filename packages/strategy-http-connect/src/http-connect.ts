import {
  type Connection,
  type Credentials,
  checkWarm,
  type DialContext,
  type ExpectedAnswer,
  FdpassError,
  hasCredentials,
  isFdpassError,
  type ProxyReach,
  promiseOf,
  proxyTraits,
  reachProxy,
  readProxyUrl,
  type Strategy,
  type StrategyHost,
  type Target,
} from '@fdpass/core';
import { type AuthenticationScheme, basic, digest, encodeBasic } from './authentication.js';
import { type Conversation, expectedOf, talk } from './conversation.js';
import { type HttpConnectOptions, httpConnectOptions } from './options.js';
import { authorityOf, checkHeaders, type Headers } from './request-wire.js';

/** What {@link createHttpConnect} makes the strategy of. */
export interface HttpConnectParts {
  /** Authentication schemes besides Digest and Basic, tried before them. */
  readonly schemes?: readonly AuthenticationScheme[];
  /** The strategy's name, where it must not be `http-connect`; it then answers to no URL scheme. */
  readonly name?: string;
}

/** The schemes of proxy URLs, and their ports. */
const SCHEMES = { http: { port: 80, tls: false }, https: { port: 443, tls: true } };

interface Hop {
  readonly reach: ProxyReach;
  readonly options: HttpConnectOptions;
  readonly host: StrategyHost;
  readonly schemes: readonly AuthenticationScheme[];
  readonly expected: ExpectedAnswer;
}

/** Makes the strategy, with further authentication schemes if given. */
export function createHttpConnect({ schemes = [], name }: HttpConnectParts = {}): Strategy<HttpConnectOptions> {
  return {
    name: name ?? 'http-connect',
    schemes: name === undefined ? Object.keys(SCHEMES) : [],
    optionsSchema: httpConnectOptions,
    create(options, host) {
      const proxy = readProxyUrl(options.url, SCHEMES, 'http://HOST:PORT');
      checkHeaders(options.headers ?? {});
      checkWarm(options.warm, host);
      if (options.tls !== undefined && !proxy.scheme.tls)
        throw new FdpassError('config', 'option "tls": needs an https:// URL');
      const tls = { ...host.tlsDefaults, ...options.tls };
      const { forward, path } = host;
      const reach = { proxy, tls, forward, path, warm: { count: options.warm, host } };
      const expected = expectedOf(proxy.target);
      const hop: Hop = { reach, options, host, schemes: [...schemes, digest, basic], expected };
      return {
        dial: (target, context) => promiseOf(() => dialThrough(hop, target, context)),
        ...proxyTraits({ proxy, tls, forward }),
      };
    },
  };
}

/** HTTP CONNECT (RFC 9110, section 9.3.6), the proxy reached plainly or over TLS; Digest and Basic authentication. */
export const httpConnect: Strategy<HttpConnectOptions> = createHttpConnect();

function dialThrough(hop: Hop, target: Target, context: DialContext): Promise<Connection> {
  const { reach, options } = hop;
  const conversation = startConversation(hop, target, context);
  // Those of a URL cost nothing. For others a program may run, or the user be asked, so they wait until they are needed.
  const isKnown = options.auth === 'basic' || options.credentials === undefined;
  if (!isKnown || !hasCredentials(reach.proxy, options)) return ask(hop, conversation, context);
  return conversation
    .getCredentials()
    .then((credentials) => ask(hop, withCredentials(conversation, credentials, options), context));
}

/** Asks for the tunnel over as many connections as it takes. Not an async function: those keep more memory while they wait. */
function ask(hop: Hop, conversation: Conversation, context: DialContext): Promise<Connection> {
  return reachProxy(hop.reach, context, (peer, report) => talk(peer, conversation, report)).then(
    ({ connection, result }) => {
      if (result === 'open') return connection;
      connection.destroy();
      return askAgain(hop, conversation, context);
    },
    (error: unknown) => {
      // A proxy can close a connection that it said it would keep; the request is then sent again on a new one.
      if (!conversation.isReusing || !isFdpassError(error) || context.signal.aborted) throw error;
      conversation.isReusing = false;
      return askAgain(hop, conversation, context);
    },
  );
}

function askAgain(hop: Hop, conversation: Conversation, context: DialContext): Promise<Connection> {
  context.trace({ event: 'note', text: 'the proxy wants authentication on a new connection' });
  return ask(hop, conversation, context);
}

function startConversation(hop: Hop, target: Target, context: DialContext): Conversation {
  const { options, host, schemes, expected } = hop;
  let asked: Promise<Credentials | undefined> | undefined;
  return {
    expected,
    authority: authorityOf(target),
    headers: options.headers ?? NO_HEADERS,
    getCredentials: () => (asked ??= findCredentials(hop, context)),
    credentialSource: options.credentials === undefined ? undefined : 'options',
    schemes,
    context,
    clock: host.clock,
    credentials: undefined,
    authorization: undefined,
    round: 0,
    isReusing: false,
  };
}

const NO_HEADERS: Headers = {};

function findCredentials({ reach, options, host }: Hop, context: DialContext): Promise<Credentials | undefined> {
  const { username, password, target } = reach.proxy;
  const request = { options: options.credentials, username, password, host: target.host, port: target.port };
  return host.credentials(request, context);
}

/** A conversation for which the credentials are known before it begins. */
function withCredentials(
  conversation: Conversation,
  credentials: Credentials | undefined,
  { auth }: HttpConnectOptions,
): Conversation {
  if (credentials === undefined) return conversation;
  const { credentialSource = 'url' } = conversation;
  if (auth !== 'basic') return { ...conversation, credentials, credentialSource };
  return { ...conversation, credentials, credentialSource, authorization: encodeBasic(credentials), round: 1 };
}
