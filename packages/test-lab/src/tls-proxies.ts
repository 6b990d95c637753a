import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { type Background, startServer } from './background.js';
import type { CertificateFiles } from './certificate.js';
import { requirePeers } from './peers.js';
import { startSquid } from './squid.js';

/** A real proxy that clients reach over TLS. */
export interface TlsProxyServer {
  /** Where it is, as clients write it. */
  readonly url: string;
  /** Ends it, and what is behind it. */
  close(): Promise<void>;
}

/** What {@link startTlsProxyServer} is told. */
export interface TlsProxySettings extends CertificateFiles {
  /** For its files. */
  readonly folder: string;
  /** A PEM file of the authority whose certificates it wants from clients; only stunnel. Default: it wants none. */
  readonly clientCa?: string | undefined;
  /** Only stunnel. Default: what it has. */
  readonly maxVersion?: 'TLSv1.2' | undefined;
}

type Start = (test: Context, settings: TlsProxySettings) => Promise<TlsProxyServer>;

/**
 * Starts one of {@link TLS_PROXY_NAMES}; the caller closes it. `test` is skipped where its program is missing.
 *
 * stunnel and HAProxy are no proxies of this kind themselves: they take TLS off, in front of one without it.
 */
export function startTlsProxyServer(test: Context, name: string, settings: TlsProxySettings): Promise<TlsProxyServer> {
  const start = STARTS[name];
  if (start === undefined) throw new Error(`there is no ${name}`);
  return start(test, settings);
}

const STARTS: Readonly<Record<string, Start>> = {
  'stunnel and tinyproxy': (test, settings) => inFront('https', settings, stunnel(test), tinyproxy(test)),
  'stunnel and microsocks': (test, settings) => inFront('socks5h+tls', settings, stunnel(test), microsocks(test)),
  'HAProxy and tinyproxy': (test, settings) => inFront('https', settings, haproxy(test), tinyproxy(test)),
  squid: async (test, { folder, cert, key }) => {
    const { squid = '' } = requirePeers(test, 'squid');
    const listen = (port: number): string => `https_port 127.0.0.1:${port} tls-cert=${cert} tls-key=${key}`;
    return served('https', await startSquid(squid, { folder, listen }));
  },
  Apache: async (test, settings) => {
    const { apache2 = '' } = requirePeers(test, 'apache2');
    return served(
      'https',
      await startServer(apache2, (port) => [
        '-X',
        '-f',
        write(settings, `apache-${port}.conf`, apacheSettings(port, settings)),
      ]),
    );
  },
};

/** Names for {@link startTlsProxyServer}. */
export const TLS_PROXY_NAMES: readonly string[] = Object.keys(STARTS);

type StartFront = (port: number, settings: TlsProxySettings) => Promise<Background>;

/** What takes TLS off in front of a proxy without it. */
async function inFront(
  scheme: string,
  settings: TlsProxySettings,
  front: StartFront,
  behind: (settings: TlsProxySettings) => Promise<Background>,
): Promise<TlsProxyServer> {
  const plain = await behind(settings);
  try {
    const { url, close } = served(scheme, await front(plain.port, settings));
    return { url, close: () => Promise.all([close(), plain.close()]).then(() => {}) };
  } catch (error) {
    await plain.close();
    throw error;
  }
}

function served(scheme: string, { port, close }: Background): TlsProxyServer {
  return { url: `${scheme}://127.0.0.1:${port}`, close };
}

function stunnel(test: Context): StartFront {
  const { stunnel: program = '' } = requirePeers(test, 'stunnel');
  return (behind, settings) => {
    const { cert, key, clientCa, maxVersion } = settings;
    return startServer(program, (port) => {
      const asks = clientCa === undefined ? [] : ['requireCert = yes', 'verifyChain = yes', `CAfile = ${clientCa}`];
      const versions = maxVersion === undefined ? [] : [`sslVersionMax = ${maxVersion}`];
      const service = [`accept = 127.0.0.1:${port}`, `connect = 127.0.0.1:${behind}`, `cert = ${cert}`, `key = ${key}`];
      return [
        write(settings, `stunnel-${port}.conf`, [
          'foreground = yes',
          'pid =',
          '[proxy]',
          ...service,
          ...asks,
          ...versions,
        ]),
      ];
    });
  };
}

function haproxy(test: Context): StartFront {
  const { haproxy: program = '' } = requirePeers(test, 'haproxy');
  return (behind, settings) => {
    const pair = write(settings, 'haproxy.pem', [
      readFileSync(settings.cert, 'utf8'),
      readFileSync(settings.key, 'utf8'),
    ]);
    return startServer(program, (port) => [
      '-db',
      '-f',
      write(settings, `haproxy-${port}.conf`, [
        'global',
        '  maxconn 100', // it makes room for each that could be, and by default those are a million
        'defaults',
        '  mode tcp',
        ...['connect', 'client', 'server'].map((what) => `  timeout ${what} 60s`),
        'frontend proxy',
        `  bind 127.0.0.1:${port} ssl crt ${pair}`,
        '  default_backend behind',
        'backend behind',
        `  server behind 127.0.0.1:${behind}`,
      ]),
    ]);
  };
}

function tinyproxy(test: Context): (settings: TlsProxySettings) => Promise<Background> {
  const { tinyproxy: program = '' } = requirePeers(test, 'tinyproxy');
  return (settings) =>
    startServer(program, (port) => [
      '-d',
      '-c',
      write(settings, `tinyproxy-${port}.conf`, [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600']),
    ]);
}

function microsocks(test: Context): () => Promise<Background> {
  const { microsocks: program = '' } = requirePeers(test, 'microsocks');
  return () => startServer(program, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
}

const APACHE_MODULES = '/usr/lib/apache2/modules';

function apacheSettings(port: number, { folder, cert, key }: TlsProxySettings): string[] {
  const modules = ['mpm_event', 'authz_core', 'ssl', 'proxy', 'proxy_connect'];
  return [
    ...modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`),
    `ServerRoot ${folder}`,
    `DefaultRuntimeDir ${folder}`,
    `PidFile ${join(folder, 'apache.pid')}`,
    'ServerName localhost',
    'ErrorLog /dev/stderr',
    ...(process.getuid?.() === 0 ? ['User nobody', 'Group nogroup'] : []),
    `Listen 127.0.0.1:${port}`,
    'SSLEngine on',
    `SSLCertificateFile ${cert}`,
    `SSLCertificateKeyFile ${key}`,
    'ProxyRequests On',
    'AllowCONNECT 1-65535',
  ];
}

/** Other users can read it: some servers become one of them. */
function write({ folder }: TlsProxySettings, name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  chmodSync(folder, 0o755);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
