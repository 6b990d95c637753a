import { canonicalAddress, FdpassError, formatHostPort, ipFamily, ipv4Bytes, parsePort } from '@fdpass/core';

/** Where a server listens: a port of an address, or a unix socket. */
export type ListenAddress = TcpAddress | UnixAddress;

/** A port of an address of this machine. */
export interface TcpAddress {
  /** An IP address. */
  readonly host: string;
  /** 0 for one that is free. */
  readonly port: number;
}

/** A unix socket. */
export interface UnixAddress {
  /** An absolute path. */
  readonly path: string;
}

/** Where SOCKS proxies usually listen. */
export const DEFAULT_ADDRESS: TcpAddress = { host: '127.0.0.1', port: 1080 };

/**
 * An address as people write it: `127.0.0.1:1080`, `[::1]:1080`, `1080` (a port of 127.0.0.1), with `socks5://` or `http://`
 * in front of it if they like, or the path of a unix socket.
 *
 * @param resolvePath Makes a path absolute.
 * @throws FdpassError `usage`
 */
export function readListenAddress(text: string, resolvePath: (path: string) => string): ListenAddress {
  const path = pathIn(text);
  if (path !== undefined) return { path: resolvePath(path) };
  const [, written = DEFAULT_ADDRESS.host, port = ''] =
    /^(?:[a-z][a-z\d+]*:\/\/)?(?:(\[[^\]]+\]|[^:]+):)?(\d+)\/?$/.exec(text) ?? [];
  const host = written === 'localhost' ? DEFAULT_ADDRESS.host : canonicalAddress(written.replace(/^\[(.*)\]$/, '$1'));
  if (port !== '' && host !== undefined) return { host, port: port === '0' ? 0 : parsePort(port) };
  throw new FdpassError('usage', 'this is not an address to listen on', {
    hint: 'write it as 127.0.0.1:1080, [::1]:1080 or unix:/run/user/1000/proxy.sock',
  });
}

/** Of a unix socket: after `unix:`, or anything with a slash that is not a URL. */
function pathIn(text: string): string | undefined {
  const named = /^unix:(?:\/\/)?(.+)$/s.exec(text)?.[1];
  return named ?? (text.includes('/') && !text.includes('://') ? text : undefined);
}

/** Whether only this machine can reach it. */
export function isLocal(address: ListenAddress): boolean {
  if ('path' in address || address.host === '::1') return true;
  return ipFamily(address.host) === 4 && ipv4Bytes(address.host)[0] === 127;
}

/** As it is shown. */
export function formatListenAddress(address: ListenAddress): string {
  return 'path' in address ? address.path : formatHostPort(address.host, address.port);
}
