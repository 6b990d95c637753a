import { FdpassError, redactUrl, type Target } from '@fdpass/core';

/** An HTTP proxy, as its URL says. */
export interface HttpProxy {
  readonly tls: boolean;
  readonly target: Target;
  readonly url: URL;
}

/** Takes a proxy URL apart; the port is the scheme's own (80, 443) unless given. @throws FdpassError `config` */
export function parseProxyUrl(text: string): HttpProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw badUrl(text, 'is no http:// or https:// URL');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw badUrl(text, 'has a path, a query or a fragment');
  const tls = url.protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  if (port === 0) throw badUrl(text, 'has port 0');
  return { tls, target: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }, url };
}

function badUrl(text: string, problem: string): FdpassError {
  return new FdpassError('config', `${JSON.stringify(redactUrl(text))} ${problem}`, { hint: 'write http://HOST:PORT' });
}
