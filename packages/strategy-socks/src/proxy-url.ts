import { type ProxyUrl, readProxyUrl } from '@fdpass/core';

/** How to talk to a SOCKS proxy, as the scheme of its URL says. */
export interface SocksScheme {
  readonly version: 4 | 5;
  /** The proxy resolves names (SOCKS 4a, 5h), not we. */
  readonly resolvesNames: boolean;
  readonly tls: boolean;
  readonly port: number;
}

/** What each scheme means, by curl's convention: the plain ones resolve here, 4a and 5h there. */
const PLAIN: Readonly<Record<string, Pick<SocksScheme, 'version' | 'resolvesNames'>>> = {
  socks: { version: 5, resolvesNames: true },
  socks4: { version: 4, resolvesNames: false },
  socks4a: { version: 4, resolvesNames: true },
  socks5: { version: 5, resolvesNames: false },
  socks5h: { version: 5, resolvesNames: true },
};

const PORT = 1080; // RFC 1928, section 3

const SCHEMES: Readonly<Record<string, SocksScheme>> = Object.fromEntries(
  Object.entries(PLAIN).flatMap(([name, meaning]) => [
    [name, { ...meaning, tls: false, port: PORT }],
    [`${name}+tls`, { ...meaning, tls: true, port: PORT }],
  ]),
);

/** Every scheme, plain and over TLS. */
export const SOCKS_SCHEMES: readonly string[] = Object.keys(SCHEMES);

/** Reads the URL of a SOCKS proxy. @throws FdpassError `config` */
export function readSocksUrl(text: string): ProxyUrl<SocksScheme> {
  return readProxyUrl(text, SCHEMES, 'socks5h://HOST:PORT or socks5h://unix:/PATH');
}
