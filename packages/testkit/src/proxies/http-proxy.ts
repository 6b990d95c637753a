import { type ProxyOptions, startProxy, type TestProxy } from './proxy.js';

/** How {@link startHttpProxy} treats its clients. */
export interface HttpProxyOptions extends ProxyOptions {
  /** Wanted by the scheme Basic (RFC 7617): `user:password`. Default: nothing is wanted. */
  readonly credentials?: string | undefined;
}

/** Starts a proxy for CONNECT (RFC 9110 §9.3.6); the caller closes it. */
export function startHttpProxy({ credentials, ...options }: HttpProxyOptions = {}): Promise<TestProxy> {
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  return startProxy(async ({ source, client, reach }) => {
    for (;;) {
      const head = await source.readThrough('\r\n\r\n');
      const [, host = '', port = ''] = /^CONNECT \[?([^\s\]]+?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
      if (host === '') throw new Error('not CONNECT');
      const given = /^proxy-authorization: (.*)\r$/im.exec(head)?.[1];
      if (wanted === undefined || given === wanted) {
        const far = await reach(host, Number(port));
        client.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n');
        return far;
      }
      client.write(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n',
      );
    }
  }, options);
}
