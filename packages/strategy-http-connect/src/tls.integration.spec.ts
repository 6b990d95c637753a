import { writeFileSync } from 'node:fs';
import { type Dialer, fdpassVersion, startDeadline, type TlsOptions } from '@fdpass/core';
import { expectNoDescriptorLeft, openDescriptors, requirePeers, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedLine, startScriptedServer, testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { dialProxy, HOST, lookThrough, type Outcome } from './proxy.spec.helper.js';
import { Certificates, startTlsProxy, type TlsProxy, type TlsProxyOptions } from './tls-proxy.spec.helper.js';

const BANNER = 'SSH-2.0-test\r\n';

describe('http-connect over TLS', () => {
  const folder = temporaryFolder();
  let certificates: Certificates;
  let opened: string[];

  before(function () {
    requirePeers(this, 'openssl');
    certificates = new Certificates(folder.path);
    writeFileSync(certificates.file('garbage.pem'), 'no certificate\n', { mode: 0o600 });
  });
  after(() => folder.remove());
  beforeEach(() => {
    opened = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(opened));

  const dialTls = (port: number, tls: TlsOptions = {}, signal?: AbortSignal): Promise<Outcome> =>
    dialProxy(port, {
      options: { url: `https://127.0.0.1:${port}`, tls },
      host: testHost({ forward: HOST.forward, baseDir: folder.path }),
      ...(signal && { context: { signal } }),
    });

  async function withTls(
    options: TlsProxyOptions,
    tls: TlsOptions,
    look: (outcome: Outcome, proxy: TlsProxy) => unknown,
  ): Promise<void> {
    await lookThrough(await startTlsProxy(certificates, options), ({ port }) => dialTls(port, tls), look);
  }

  const fingerprint = (change = ''): string =>
    certificates.fingerprint('proxy').replace(/^../, (first) => change || first);
  const GOOD: readonly [name: string, proxy: TlsProxyOptions, tls: () => TlsOptions][] = [
    ['its CA', {}, () => ({ ca: 'ca.pem' })],
    ['its CA, by TLS 1.2', { maxVersion: 'TLSv1.2' }, () => ({ ca: 'ca.pem' })],
    ['its CA and the name that its certificate has', {}, () => ({ ca: 'ca.pem', serverName: 'proxy.example' })],
    ['that name as an absolute one', {}, () => ({ ca: 'ca.pem', serverName: 'proxy.example.' })],
    ['another name', { certificate: 'elsewhere' }, () => ({ ca: 'ca.pem', serverName: 'elsewhere.example' })],
    ['a fingerprint, without a CA', {}, () => ({ fingerprint: fingerprint() })],
    [
      'a fingerprint in small letters without colons',
      {},
      () => ({ fingerprint: fingerprint().replaceAll(':', '').toLowerCase() }),
    ],
    [
      'a fingerprint, regardless of the name',
      { certificate: 'elsewhere' },
      () => ({ fingerprint: certificates.fingerprint('elsewhere') }),
    ],
    ['our certificate', { asks: true }, () => ({ ca: 'ca.pem', cert: 'client.pem', key: 'client.key' })],
  ];
  for (const [name, options, tls] of GOOD) {
    it(`opens the tunnel with ${name}`, () =>
      withTls(options, tls(), async (outcome, proxy) => {
        expect(outcome.text).to.equal('');
        expect((await readToEnd(outcome)).toString()).to.equal(BANNER);
        expect(proxy.requests).to.deep.equal([
          `CONNECT host.example:22 HTTP/1.1\r\nHost: host.example:22\r\nUser-Agent: fdpass/${fdpassVersion()}\r\n\r\n`,
        ]);
        expect(proxy.clients).to.deep.equal([options.asks ? 'client' : '']);
        expect(proxy.serverNames).to.deep.equal([tls().serverName?.replace(/\.$/, '') ?? '']);
      }));
  }

  const BAD: readonly [name: string, proxy: TlsProxyOptions, tls: () => TlsOptions, code: string, text: RegExp][] = [
    ['an unknown CA', {}, () => ({}), 'permission', /TLS with 127\.0\.0\.1 failed: .*name its CA with tls\.ca/],
    ['another CA', {}, () => ({ ca: 'stranger.pem' }), 'permission', /TLS with 127\.0\.0\.1 failed: .*name its CA/],
    [
      'a wrong name',
      { certificate: 'elsewhere' },
      () => ({ ca: 'ca.pem' }),
      'permission',
      /127\.0\.0\.1 is not in the cert's list/,
    ],
    [
      'a wrong serverName',
      {},
      () => ({ ca: 'ca.pem', serverName: 'x.example' }),
      'permission',
      /x\.example\. is not in the cert's altnames/,
    ],
    [
      'a wrong fingerprint',
      {},
      () => ({ fingerprint: fingerprint('00') }),
      'permission',
      /another fingerprint: [0-9A-F:]{95}; change "fingerprint" if that/,
    ],
    [
      'a wrong fingerprint, though the CA is right',
      {},
      () => ({ ca: 'ca.pem', fingerprint: fingerprint('00') }),
      'permission',
      /another fingerprint/,
    ],
    [
      'no certificate of ours',
      { asks: true },
      () => ({ ca: 'ca.pem' }),
      'permission',
      /tls\.cert.* a certificate of ours/,
    ],
    [
      'no certificate of ours, by TLS 1.2',
      { asks: true, maxVersion: 'TLSv1.2' },
      () => ({ ca: 'ca.pem' }),
      'permission',
      /tls\.cert.* a certificate of ours/,
    ],
    [
      'a CA file that is not there',
      {},
      () => ({ ca: 'none.pem' }),
      'config',
      /the file that "tls\.ca" names: no such file/,
    ],
    [
      'a key for another certificate',
      {},
      () => ({ ca: 'ca.pem', cert: 'client.pem', key: 'proxy.key' }),
      'config',
      /files for TLS cannot be used: .*tls\.key/,
    ],
    [
      'a certificate file without a certificate',
      {},
      () => ({ ca: 'ca.pem', cert: 'garbage.pem', key: 'client.key' }),
      'config',
      /files for TLS cannot be used/,
    ],
  ];
  for (const [name, options, tls, code, text] of BAD) {
    it(`refuses ${name}, and sends nothing`, () =>
      withTls(options, tls(), (outcome, proxy) => {
        expect(outcome.text).to.match(text);
        expect(outcome.code).to.equal(code);
        expect(proxy.requests).to.deep.equal([]);
      }));
  }

  it('says what a proxy answers', () =>
    withTls({ reply: 'HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nhello' }, { ca: 'ca.pem' }, ({ code, text }) => {
      expect([code, text.split(';')[0]]).to.deep.equal(['permission', 'the proxy answered 403 No (hello)']);
    }));

  const STRANGERS: readonly [name: string, reply: string, code: string, text: RegExp][] = [
    [
      'a plain HTTP proxy',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      'protocol',
      /does not speak TLS on this port; try the scheme without/,
    ],
    ['an ssh server', 'SSH-2.0-OpenSSH_9.9\r\n', 'protocol', /does not speak TLS on this port/],
    [
      'a server that hangs up',
      '',
      'protocol',
      /closed the connection during the TLS handshake; check that it speaks TLS/,
    ],
  ];
  /** Dials a server that plays `script` once our first byte is there. */
  async function withStranger(
    script: (line: ScriptedLine) => unknown,
    look: (outcome: Outcome) => unknown,
    signal?: AbortSignal,
  ): Promise<void> {
    const server = await startScriptedServer(async (line) => {
      await line.take(1);
      await script(line);
    });
    try {
      look(await dialTls(server.port, {}, signal));
    } finally {
      await server.close();
    }
  }

  for (const [name, reply, code, text] of STRANGERS) {
    it(`knows ${name}`, () =>
      withStranger(
        async (line) => {
          await line.send(reply);
          line.end();
        },
        (outcome) => {
          expect(outcome.text).to.match(text);
          expect(outcome.code).to.equal(code);
        },
      ));
  }

  it('knows a server that resets', () =>
    withStranger(
      (line) => line.reset(),
      ({ code, text }) =>
        expect([code, text]).to.deep.equal(['unreachable', '127.0.0.1: connection reset during the TLS handshake']),
    ));

  it('knows a server that stays silent', async () => {
    const clock = new VirtualClock();
    const deadline = startDeadline(9000, undefined, clock);
    await withStranger(
      async (line) => {
        await clock.advance(9000);
        await line.stall();
      },
      ({ code, text }) =>
        expect([code, text]).to.deep.equal([
          'timeout',
          'timed out after 9 s: connected to 127.0.0.1, but it did not answer the TLS handshake; check that it speaks TLS on this port',
        ]),
      deadline.signal,
    );
    deadline.release();
  });

  it('ends with the reason of whoever ends it, in the middle of the TLS handshake', () => {
    const abort = new AbortController();
    return withStranger(
      async (line) => {
        abort.abort(new Error('enough'));
        await line.stall();
      },
      ({ text }) => expect(text).to.equal('not ours: Error: enough'),
      abort.signal,
    );
  });

  it('says beforehand that it needs a relay, and refuses TLS options for http://', async () => {
    const { createHttpConnect } = await import('./http-connect.js');
    const make = (url: string, tls?: TlsOptions) => createHttpConnect().create({ url, tls }, HOST) as Dialer;
    const target = { host: 'host.example', port: 22 };
    expect(make('https://p').needsRelay?.(target)).to.equal(true);
    expect(make('http://p').needsRelay?.(target)).to.equal(false);
    expect(() => make('http://p', {})).to.throw('needs an https:// URL');
  });
});

async function readToEnd({ stream }: Outcome): Promise<Buffer> {
  const { buffer } = await import('node:stream/consumers');
  return stream === undefined ? Buffer.alloc(0) : buffer(stream);
}
