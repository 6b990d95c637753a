import {
  type Connection,
  type Credentials,
  checkWarm,
  type DialContext,
  FdpassError,
  type HandshakeReport,
  type HostAddress,
  handshakeReport,
  hasCredentials,
  ipFamily,
  isFdpassError,
  noTrace,
  type ProxyReach,
  type ProxyUrl,
  proxyTraits,
  type Strategy,
  type StrategyHost,
  startDeadline,
  type Target,
  tunnelThrough,
  type WarmProxy,
} from '@fdpass/core';
import { talkSocks4 } from './handshake4.js';
import { greetSocks5, type Request5, talkSocks5 } from './handshake5.js';
import { type SocksOptions, socksOptions } from './options.js';
import { readSocksUrl, SOCKS_SCHEMES, type SocksScheme } from './proxy-url.js';

/** How long an optimistic handshake can be silent before the polite one is tried on a new connection. */
const OPTIMISTIC_PATIENCE_MS = 5000;

/** One configured hop. */
interface Hop {
  readonly proxy: ProxyUrl<SocksScheme>;
  readonly reach: Omit<ProxyReach, 'warm'>;
  readonly options: SocksOptions;
  readonly host: StrategyHost;
}

/** SOCKS 4, 4a, 5 and 5h (RFC 1928, RFC 1929). */
export const socks: Strategy<SocksOptions> = {
  name: 'socks',
  schemes: SOCKS_SCHEMES,
  optionsSchema: socksOptions,
  create(options, host) {
    const tls = { ...host.tlsDefaults, ...options.tls };
    const proxy = readSocksUrl(options.url);
    const { forward, path } = host;
    const hop: Hop = { proxy, reach: { proxy, tls, forward, path }, options, host };
    checkHop(hop);
    return {
      dial: (target, context) => dialThrough(hop, target, context),
      ...proxyTraits({ proxy, tls, forward }),
    };
  },
};

function checkHop({ proxy: { scheme, password }, options, host }: Hop): void {
  checkWarm(options.warm, host);
  const wrong = (option: string, why: string): never => {
    throw new FdpassError('config', `option "${option}": ${why}`);
  };
  if (options.tls !== undefined && !scheme.tls) wrong('tls', 'needs a URL whose scheme ends in +tls');
  if (options.isolate === true && scheme.version === 4) wrong('isolate', 'needs SOCKS5');
  if (options.isolate === true && options.credentials !== undefined) wrong('isolate', 'cannot go with credentials');
  if (options.userId !== undefined && scheme.version === 5) wrong('userId', 'is for SOCKS 4; use credentials');
  if (options.credentials !== undefined && scheme.version === 4)
    wrong('credentials', 'SOCKS 4 has no passwords; use userId');
  if (password && scheme.version === 4) {
    throw new FdpassError('config', 'the URL has a password, which SOCKS 4 does not support', {
      hint: 'leave it out, or use socks5h://',
    });
  }
}

function dialThrough(hop: Hop, target: Target, context: DialContext): Promise<Connection> {
  const { host, port } = target;
  if (hop.proxy.scheme.version === 4 && ipFamily(host) === 6) return Promise.reject(noIpv6());
  const isComplete = !isLookedUpHere(hop, target) && !wantsCredentials(hop);
  if (isComplete) return ask(hop, { proxy: hop.proxy.target, host, port }, context); // most are
  return requestFor(hop, target, context).then((request) => ask(hop, request, context));
}

async function requestFor(hop: Hop, target: Target, context: DialContext): Promise<Request5> {
  const host = isLookedUpHere(hop, target) ? await lookUp(hop, target, context) : target.host;
  const getCredentials = wantsCredentials(hop) ? await credentialsFor(hop, target, context) : undefined;
  return { proxy: hop.proxy.target, host, port: target.port, getCredentials };
}

function noIpv6(): FdpassError {
  return new FdpassError('config', 'SOCKS 4 cannot carry an IPv6 address', { hint: 'use socks5://' });
}

function ask(hop: Hop, request: Request5, context: DialContext): Promise<Connection> {
  return hop.options.optimistic === true && hop.proxy.scheme.version === 5
    ? optimistically(hop, request, context)
    : openTunnel(hop, request, false, context);
}

/** Connects to the proxy and talks to it until the tunnel is open. */
function openTunnel(hop: Hop, request: Request5, optimistic: boolean, context: DialContext): Promise<Connection> {
  const { proxy, reach, options, host } = hop;
  const { warm: count = 0 } = options;
  if (proxy.scheme.version === 4) {
    const userId = options.userId ?? proxy.username ?? '';
    const talk = (peer: Connection, report: HandshakeReport): Promise<void> =>
      talkSocks4(peer, request, userId, report);
    return tunnelThrough({ ...reach, warm: { count, host } }, context, talk);
  }
  const warm = count === 0 ? undefined : { count, host, ...greetingInAdvance(request) };
  return tunnelThrough(warm === undefined ? reach : { ...reach, warm }, context, (peer, report, method) =>
    talkSocks5(peer, request, { optimistic, report, method }),
  );
}

/** What a connection that waits for dials to come has been greeted with: it serves those that have a password, or those that have none. */
function greetingInAdvance(request: Request5): Pick<WarmProxy<number>, 'greet' | 'key'> {
  return {
    greet: (peer) => greetSocks5(peer, request, handshakeReport(noTrace)),
    key: request.getCredentials === undefined ? '' : 'password',
  };
}

/**
 * Not every server takes a request before it has answered the greeting: some drop it, some close. So a handshake that
 * fails without a clear refusal, or stays silent, is held once more on a new connection, politely.
 */
async function optimistically(hop: Hop, request: Request5, context: DialContext): Promise<Connection> {
  const patience = startDeadline(OPTIMISTIC_PATIENCE_MS, context.signal, hop.host.clock);
  try {
    return await openTunnel(hop, request, true, { ...context, signal: patience.signal });
  } catch (error) {
    if (context.signal.aborted) throw patience.signal.reason === context.signal.reason ? error : context.signal.reason;
    if (!isWorthAnotherTry(error)) throw error;
    context.trace({ event: 'note', text: 'the proxy did not take an optimistic request; trying step by step' });
  } finally {
    patience.release();
  }
  return openTunnel(hop, request, false, context);
}

/** A refusal of credentials is repeated too: only username/password was offered, and the proxy can want none. */
function isWorthAnotherTry(error: unknown): boolean {
  return (
    isFdpassError(error) &&
    error.attempts.length === 0 &&
    !(error.cause instanceof Error && error.cause.name === 'SocksReplyError')
  );
}

/** Whether the request has an address in place of the target's name. */
function isLookedUpHere({ proxy: { scheme }, host }: Hop, target: Target): boolean {
  return ipFamily(target.host) === 0 && !scheme.resolvesNames && host.namesAt !== 'there';
}

async function lookUp({ proxy: { scheme }, host }: Hop, target: Target, context: DialContext): Promise<string> {
  const [address] = await host.lookUp(target.host, scheme.version === 4 ? 4 : 0, context);
  return (address as HostAddress).host; // there is at least one
}

function wantsCredentials({ proxy, options }: Hop): boolean {
  return proxy.scheme.version === 5 && (options.isolate === true || hasCredentials(proxy, options));
}

/**
 * How to get the user name and password. Those of a URL are there at once; for others a program may run, or the user be asked,
 * so they wait until the proxy wants them.
 */
async function credentialsFor(
  { proxy, options, host }: Hop,
  target: Target,
  context: DialContext,
): Promise<Request5['getCredentials']> {
  if (options.isolate === true) return () => isolationFor(target);
  const { username, password, target: place } = proxy;
  const request = { options: options.credentials, username, password, host: place.host, port: place.port };
  if (options.credentials !== undefined) return () => host.credentials(request, context);
  const credentials = await host.credentials(request, context);
  return credentials && (async () => credentials);
}

/** Tor keeps streams with different user names or passwords on different circuits (torrc(5), IsolateSOCKSAuth). */
async function isolationFor({ host, port, user = '' }: Target): Promise<Credentials> {
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256')
    .update(JSON.stringify([host, port, user]))
    .digest('hex');
  return { username: `fdpass-${digest.slice(0, 16)}`, password: digest.slice(16, 48) };
}
