import type { Duplex } from 'node:stream';
import {
  type DialContext,
  type Dialer,
  explainTlsFailure,
  FdpassError,
  handshake,
  isFdpassError,
  resolveCredentials,
  type Strategy,
  type Target,
  wrapTls,
} from '@fdpass/core';
import { type AuthenticationScheme, basic, digest, encodeBasic } from './authentication.js';
import { type Conversation, converse } from './conversation.js';
import { type HttpConnectOptions, httpConnectOptions } from './options.js';
import { type HttpProxy, parseProxyUrl } from './proxy-url.js';
import { authorityOf, checkHeaders } from './request-wire.js';

/** What {@link createHttpConnect} makes the strategy of. */
export interface HttpConnectParts {
  /** Authentication schemes besides Digest and Basic, tried before them. */
  readonly schemes?: readonly AuthenticationScheme[];
  /** The strategy's name, where it must not be `http-connect`; it then answers to no URL scheme. */
  readonly name?: string;
}

interface Hop {
  readonly proxy: HttpProxy;
  readonly options: HttpConnectOptions;
  readonly forward: Dialer;
  readonly baseDir: string;
  readonly schemes: readonly AuthenticationScheme[];
}

/** Makes the strategy, with further authentication schemes if given. */
export function createHttpConnect({ schemes = [], name }: HttpConnectParts = {}): Strategy<HttpConnectOptions> {
  return {
    name: name ?? 'http-connect',
    schemes: name === undefined ? ['http', 'https'] : [],
    optionsSchema: httpConnectOptions,
    create(options, forward, { baseDir }) {
      const proxy = parseProxyUrl(options.url);
      checkHeaders(options.headers ?? {});
      if (options.tls !== undefined && !proxy.tls)
        throw new FdpassError('config', 'option "tls": needs an https:// URL');
      const hop: Hop = { proxy, options, forward, baseDir, schemes: [...schemes, digest, basic] };
      return {
        dial: (target, context) => dialThrough(hop, target, context),
        needsRelay: proxy.tls || forward.needsRelay === true,
      };
    },
  };
}

/** HTTP CONNECT (RFC 9110 §9.3.6), the proxy reached plainly or over TLS; Digest and Basic authentication. */
export const httpConnect: Strategy<HttpConnectOptions> = createHttpConnect();

async function dialThrough(hop: Hop, target: Target, context: DialContext): Promise<Duplex> {
  const conversation = await begin(hop, target, context);
  for (;;) {
    const stream = await connect(hop, context);
    try {
      const done = await handshake(stream, context, (peer) => converse(peer, conversation));
      if (done.result === 'open') return done.stream;
      done.stream.on('error', () => {}).destroy();
    } catch (error) {
      // A proxy may close a connection that it said it would keep; the request is then sent again on a new one.
      if (!conversation.isReusing || !isFdpassError(error) || context.signal.aborted)
        throw hop.proxy.tls ? explainTlsFailure(error, hop.proxy.target.host) : error;
      conversation.isReusing = false;
    }
    context.trace({ event: 'note', text: 'the proxy wants authentication on a new connection' });
  }
}

async function begin(
  { proxy, options, schemes, baseDir }: Hop,
  target: Target,
  { signal, clock, trace }: DialContext,
): Promise<Conversation> {
  const authority = authorityOf(target);
  const credentials = await resolveCredentials({
    options: options.credentials,
    url: proxy.url,
    host: proxy.target.host,
    baseDir,
    signal,
    trace,
  });
  const isPreemptive = options.auth === 'basic' && credentials !== undefined;
  return {
    authority,
    headers: options.headers ?? {},
    credentials,
    schemes,
    signal,
    clock,
    authorization: isPreemptive ? encodeBasic(credentials) : undefined,
    round: isPreemptive ? 1 : 0,
    isReusing: false,
  };
}

async function connect({ proxy, options, forward, baseDir }: Hop, context: DialContext): Promise<Duplex> {
  const stream = await forward.dial(proxy.target, context);
  const { signal } = context;
  return proxy.tls ? wrapTls(stream, { host: proxy.target.host, options: options.tls, baseDir, signal }) : stream;
}
