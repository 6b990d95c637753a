import { FdpassError, redactUrl, type Target } from '@fdpass/core';

/** A SOCKS proxy and the way to talk to it, as its URL says. */
export interface SocksProxy {
  readonly version: 4 | 5;
  /** Names are resolved by the proxy (SOCKS 4a, 5h), not here. */
  readonly resolvesNames: boolean;
  readonly tls: boolean;
  /** Where the proxy is; a unix socket is the host `unix/PATH`. */
  readonly target: Target;
  readonly url: URL;
}

/** What each scheme means, by curl's convention: the plain ones resolve here, 4a and 5h there. */
const SCHEMES: Readonly<Record<string, Pick<SocksProxy, 'version' | 'resolvesNames'>>> = {
  socks4: { version: 4, resolvesNames: false },
  socks4a: { version: 4, resolvesNames: true },
  socks5: { version: 5, resolvesNames: false },
  socks5h: { version: 5, resolvesNames: true },
  socks: { version: 5, resolvesNames: true },
};

/** Every scheme, plain and over TLS. */
export const SOCKS_SCHEMES: readonly string[] = Object.keys(SCHEMES).flatMap((scheme) => [scheme, `${scheme}+tls`]);

const DEFAULT_PORT = 1080; // RFC 1928 §3

/** Takes a proxy URL apart. @throws FdpassError `config` */
export function parseProxyUrl(text: string): SocksProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [scheme = '', suffix] = url?.protocol.slice(0, -1).split('+') ?? [];
  const meaning = SCHEMES[scheme];
  if (url === undefined || meaning === undefined || (suffix !== undefined && suffix !== 'tls'))
    throw badUrl(text, 'is no SOCKS URL');
  if (url.search !== '' || url.hash !== '') throw badUrl(text, 'has a query or a fragment');
  return { ...meaning, tls: suffix === 'tls', target: proxyTarget(url, text), url };
}

function proxyTarget(url: URL, text: string): Target {
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw badUrl(text, 'names no host');
  if (url.pathname === '' || url.pathname === '/') {
    const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
    if (port === 0) throw badUrl(text, 'has port 0');
    return { host, port };
  }
  // curl writes socks5h://localhost/PATH, ssh's friends unix:/PATH; both mean a unix socket.
  if (host === 'unix' || host === 'localhost')
    return { host: `unix${decodeURIComponent(url.pathname)}`, port: DEFAULT_PORT };
  throw badUrl(text, 'has a path');
}

function badUrl(text: string, problem: string): FdpassError {
  return new FdpassError('config', `${JSON.stringify(redactUrl(text))} ${problem}`, {
    hint: 'write socks5h://HOST:PORT or socks5h://unix:/PATH',
  });
}
