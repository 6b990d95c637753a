import type { Duplex } from 'node:stream';
import {
  type Credentials,
  type DialContext,
  type Dialer,
  FdpassError,
  type HostAddress,
  handshake,
  ipFamily,
  isFdpassError,
  lookUp,
  type Peer,
  type Resolver,
  resolveCredentials,
  type Strategy,
  type Target,
  wrapTls,
} from '@fdpass/core';
import { talkSocks4 } from './handshake4.js';
import { talkSocks5 } from './handshake5.js';
import { type SocksOptions, socksOptions } from './options.js';
import { parseProxyUrl, SOCKS_SCHEMES, type SocksProxy } from './proxy-url.js';

/** How long an optimistic handshake may be silent before the polite one is tried on a new connection. */
const OPTIMISTIC_PATIENCE_MS = 5000;

/** What {@link createSocks} makes the strategy of. */
export interface SocksParts {
  /** Looks names up where the protocol leaves that to us (`socks4`, `socks5`). Default: as the host program does. */
  readonly resolve?: Resolver | undefined;
}

/** One configured hop. */
interface Hop {
  readonly proxy: SocksProxy;
  readonly options: SocksOptions;
  readonly forward: Dialer;
  readonly baseDir: string;
  readonly resolve: Resolver | undefined;
}

/** Makes the strategy; `resolve` finds addresses for the schemes that resolve names here. */
export function createSocks({ resolve }: SocksParts = {}): Strategy<SocksOptions> {
  return {
    name: 'socks',
    schemes: SOCKS_SCHEMES,
    optionsSchema: socksOptions,
    create(options, forward, { baseDir }) {
      const hop: Hop = { proxy: parseProxyUrl(options.url), options, forward, baseDir, resolve };
      checkOptions(hop);
      return {
        dial: (target, context) => dialThrough(hop, target, context),
        needsRelay: hop.proxy.tls || forward.needsRelay === true,
      };
    },
  };
}

/** SOCKS 4, 4a, 5 and 5h (RFC 1928, RFC 1929). */
export const socks: Strategy<SocksOptions> = createSocks();

function checkOptions({ proxy, options }: Hop): void {
  const wrong = (option: string, why: string): never => {
    throw new FdpassError('config', `option "${option}": ${why}`);
  };
  if (options.tls !== undefined && !proxy.tls) wrong('tls', 'needs a URL whose scheme ends in +tls');
  if (options.isolate === true && proxy.version === 4) wrong('isolate', 'needs SOCKS5');
  if (options.isolate === true && options.credentials !== undefined) wrong('isolate', 'cannot go with credentials');
  if (options.userId !== undefined && proxy.version === 5) wrong('userId', 'is for SOCKS 4; use credentials');
  if (options.credentials !== undefined && proxy.version === 4)
    wrong('credentials', 'SOCKS 4 knows no password; use userId');
}

async function dialThrough(hop: Hop, target: Target, context: DialContext): Promise<Duplex> {
  const host = await destination(hop, target, context);
  const credentials = hop.proxy.version === 5 ? await credentialsFor(hop, target, context) : undefined;
  const request = { host, port: target.port, credentials };
  if (hop.options.optimistic !== true || hop.proxy.version === 4) return converse(hop, request, false, context);
  return optimistically(hop, request, context);
}

interface Request {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials | undefined;
}

/** Connects to the proxy and talks to it until the tunnel stands. */
async function converse(hop: Hop, request: Request, optimistic: boolean, context: DialContext): Promise<Duplex> {
  const { proxy, options, forward, baseDir } = hop;
  const plain = await forward.dial(proxy.target, context);
  const { signal } = context;
  const stream = proxy.tls
    ? await wrapTls(plain, { host: proxy.target.host, options: options.tls, baseDir, signal })
    : plain;
  const talk = (peer: Peer): Promise<void> =>
    proxy.version === 5
      ? talkSocks5(peer, { ...request, optimistic })
      : talkSocks4(peer, { ...request, userId: options.userId ?? '' });
  return (await handshake(stream, context, talk)).stream;
}

/**
 * Not every server takes a request before it has answered the greeting: some drop it, some close. So a conversation
 * that fails without a clear refusal, or stays silent, is held once more on a new connection, politely.
 */
async function optimistically(hop: Hop, request: Request, context: DialContext): Promise<Duplex> {
  const impatience = new AbortController();
  const cancel = context.clock.after(OPTIMISTIC_PATIENCE_MS, () =>
    impatience.abort(new FdpassError('timeout', 'no answer to an optimistic request')),
  );
  const signal = AbortSignal.any([context.signal, impatience.signal]);
  try {
    return await converse(hop, request, true, { ...context, signal });
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (!isWorthAnotherTry(error, impatience.signal)) throw error;
    context.trace({ event: 'note', text: 'the proxy took no optimistic request; trying step by step' });
  } finally {
    cancel();
  }
  return converse(hop, request, false, context);
}

/** A refusal of credentials is repeated too: only username/password was offered, and the proxy may want none. */
function isWorthAnotherTry(error: unknown, impatience: AbortSignal): boolean {
  if (impatience.aborted) return true;
  return (
    isFdpassError(error) &&
    error.attempts.length === 0 &&
    !(error.cause instanceof Error && error.cause.name === 'SocksReplyError')
  );
}

/** What stands in the request: the target as it is, or an address of it where the scheme resolves names here. */
async function destination({ proxy, resolve }: Hop, { host }: Target, context: DialContext): Promise<string> {
  if (host.includes('/'))
    throw new FdpassError('config', `${JSON.stringify(host)} is no host that a SOCKS proxy could reach`);
  const isLiteral = ipFamily(host) !== 0;
  if (proxy.version === 4 && ipFamily(host) === 6) {
    throw new FdpassError('config', 'SOCKS 4 cannot carry an IPv6 address', { hint: 'use socks5://' });
  }
  if (isLiteral || proxy.resolvesNames) return host;
  const [address] = await lookUp(host, proxy.version === 4 ? 4 : 0, context, resolve);
  return (address as HostAddress).host; // there is at least one
}

async function credentialsFor(
  hop: Hop,
  target: Target,
  { signal, trace }: DialContext,
): Promise<Credentials | undefined> {
  const { proxy, options, baseDir } = hop;
  if (options.isolate === true) return isolationFor(target);
  const { url, target: place } = proxy;
  return resolveCredentials({ options: options.credentials, url, host: place.host, baseDir, signal, trace });
}

/** Tor keeps streams with different user names or passwords on different circuits (torrc(5), IsolateSOCKSAuth). */
async function isolationFor({ host, port, user = '' }: Target): Promise<Credentials> {
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256')
    .update(JSON.stringify([host, port, user]))
    .digest('hex');
  return { username: `fdpass-${digest.slice(0, 16)}`, password: digest.slice(16, 48) };
}
