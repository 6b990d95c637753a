import {
  type Connection,
  type Credentials,
  checkWarm,
  type DialContext,
  FdpassError,
  hasCredentials,
  isFdpassError,
  type ProxyScheme,
  type ProxyUrl,
  proxyTraits,
  reachProxy,
  readProxyUrl,
  type Strategy,
  type StrategyHost,
  type Target,
  type TlsOptions,
} from '@fdpass/core';
import { type AuthenticationScheme, basic, digest, encodeBasic } from './authentication.js';
import { type Conversation, talk } from './conversation.js';
import { type HttpConnectOptions, httpConnectOptions } from './options.js';
import { authorityOf, checkHeaders } from './request-wire.js';

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
  readonly proxy: ProxyUrl<ProxyScheme>;
  readonly tls: TlsOptions;
  readonly options: HttpConnectOptions;
  readonly host: StrategyHost;
  readonly schemes: readonly AuthenticationScheme[];
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
      const hop: Hop = { proxy, tls, options, host, schemes: [...schemes, digest, basic] };
      return {
        dial: (target, context) => dialThrough(hop, target, context),
        ...proxyTraits({ proxy, tls, forward: host.forward }),
      };
    },
  };
}

/** HTTP CONNECT (RFC 9110, section 9.3.6), the proxy reached plainly or over TLS; Digest and Basic authentication. */
export const httpConnect: Strategy<HttpConnectOptions> = createHttpConnect();

async function dialThrough(hop: Hop, target: Target, context: DialContext): Promise<Connection> {
  const { proxy, tls, options, host } = hop;
  const { forward, path } = host;
  const reach = { proxy, tls, forward, path, warm: { count: options.warm, host } };
  const conversation = await startConversation(hop, target, context);
  for (;;) {
    try {
      const { connection, result } = await reachProxy(reach, context, (peer, report) =>
        talk(peer, conversation, report),
      );
      if (result === 'open') return connection;
      connection.destroy();
    } catch (error) {
      // A proxy can close a connection that it said it would keep; the request is then sent again on a new one.
      if (!conversation.isReusing || !isFdpassError(error) || context.signal.aborted) throw error;
      conversation.isReusing = false;
    }
    context.trace({ event: 'note', text: 'the proxy wants authentication on a new connection' });
  }
}

async function startConversation(
  { proxy, options, host, schemes }: Hop,
  target: Target,
  context: DialContext,
): Promise<Conversation> {
  const { username, password, target: place } = proxy;
  const request = { options: options.credentials, username, password, host: place.host, port: place.port };
  let asked: Promise<Credentials | undefined> | undefined;
  const getCredentials = (): Promise<Credentials | undefined> => (asked ??= host.credentials(request, context));
  const authority = authorityOf(target);
  const isPreemptive = options.auth === 'basic';
  // Those of a URL cost nothing. For others a program may run, or the user be asked, so they wait until they are needed.
  const isKnown = isPreemptive || options.credentials === undefined;
  const credentials = isKnown && hasCredentials(proxy, options) ? await getCredentials() : undefined;
  return {
    proxy: place,
    authority,
    headers: options.headers ?? {},
    getCredentials,
    credentialSource: options.credentials !== undefined ? 'options' : credentials !== undefined ? 'url' : undefined,
    schemes,
    context,
    clock: host.clock,
    credentials,
    authorization: isPreemptive && credentials !== undefined ? encodeBasic(credentials) : undefined,
    round: isPreemptive && credentials !== undefined ? 1 : 0,
    isReusing: false,
  };
}
