import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls';
import {
  alternativeNames,
  expectDescriptorsBack,
  makeCertificate,
  requirePeers,
  startServer,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import type { KernelTlsConnection } from '../connection/kernel-tls.js';
import { openConnection } from '../connection/open.js';
import { formatError } from '../ground/errors.js';
import { caught } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { systemError } from '../sys/fake-sys.spec.helper.js';
import type { Sys } from '../sys/sys.js';
import { wrapKernelTls } from './kernel-tls.js';
import { explainTlsFailure, type TlsOptions } from './tls.js';

/** A setsockopt(2) of ours. */
type Step = 'attach' | 'send' | 'receive';

/** The same system calls, of which some fail, by errno names. */
function failing(sys: Sys, failures: Partial<Record<Step, string>>): Sys & { readonly steps: readonly Step[] } {
  const steps: Step[] = [];
  return {
    ...sys,
    steps,
    setsockopt(fd, level, name, value) {
      const step = level === 6 && name === 31 ? 'attach' : level !== 282 ? undefined : name === 1 ? 'send' : 'receive';
      if (step !== undefined) steps.push(step);
      if (step !== undefined && failures[step] !== undefined) throw systemError(failures[step]);
      sys.setsockopt(fd, level, name, value);
    },
  };
}

/** What a server does with a connection after the handshake. */
type Serve = (socket: TLSSocket) => unknown;

const BANNER = 'SSH-2.0-x\r\n';
const REPLY = 'HTTP/1.1 200 OK\r\n\r\n';

/**
 * Declares what TLS by the kernel must do, whoever the kernel is.
 *
 * @param makeSys Its system calls, made when a test runs.
 */
export function declareKernelTlsTests(makeSys: () => Sys): void {
  const folder = temporaryFolder();
  const sockets = new Set<Socket>();
  const file = (name: string): string => join(folder.path, name);
  before(function () {
    requirePeers(this, 'openssl');
    makeCertificate(folder.path, 'proxy', alternativeNames('IP:127.0.0.1'));
    makeCertificate(folder.path, 'client');
  });
  after(() => folder.remove());
  expectDescriptorsBack();

  async function withServer<T>(options: ServerOptions, serve: Serve, use: (port: number) => Promise<T>): Promise<T> {
    const server = createServer({
      cert: readFileSync(file('proxy.pem')),
      key: readFileSync(file('proxy.key')),
      allowHalfOpen: true,
      ...options,
    });
    server
      .on('tlsClientError', () => {})
      .on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})));
    server.on('secureConnection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      serve(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      return await use((server.address() as AddressInfo).port);
    } finally {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      server.close();
      await once(server, 'close');
    }
  }

  interface Dial {
    readonly connection: Promise<Connection>;
    /** Why a relay is needed. */
    readonly reasons: readonly string[];
    readonly events: readonly TraceEvent[];
    readonly steps: readonly Step[];
  }

  async function dial(
    port: number,
    tls: TlsOptions = {},
    failures: Partial<Record<Step, string>> = {},
    at: { readonly abort: AbortController; readonly event?: TraceEvent['event'] } = { abort: new AbortController() },
  ): Promise<Dial> {
    const sys = failing(makeSys(), failures);
    const { signal } = at.abort;
    const reasons: string[] = [];
    const events: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => {
      events.push(event);
      if (event.event === at.event) at.abort.abort(new Error('enough'));
    };
    const plain = await openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal, sys });
    const options = { ca: file('proxy.pem'), ...tls };
    const onNeedsRelay = (why: string): void => void reasons.push(why);
    const path = (written: string): string => written;
    const request = { host: '127.0.0.1', options, path, signal, trace, onNeedsRelay, sys };
    return { connection: wrapKernelTls(plain, request), reasons, events, steps: sys.steps };
  }

  const echo: Serve = (socket) => socket.pipe(socket);

  const SUITES: readonly (readonly [version: 'TLSv1.2' | 'TLSv1.3', ciphers: string])[] = [
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
    ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ];
  for (const [maxVersion, ciphers] of SUITES) {
    it(`has the keys of both directions: ${maxVersion}, ${ciphers}`, () =>
      withServer({ maxVersion, ciphers }, echo, async (port) => {
        const connection = await (await dial(port)).connection;
        expect(connection.descriptor).to.be.a('number');
        const data = Buffer.alloc(40_000, 'kernel');
        const echoed = connection.read(data.length, 'the echo');
        await connection.write(data);
        expect((await echoed).equals(data)).to.equal(true);
        connection.destroy();
      }));
  }

  const HANDSHAKES: Readonly<Record<string, readonly [server: ServerOptions, tls?: () => TlsOptions]>> = {
    'another round, since the server wants a key of another curve': [{ ecdhCurve: 'P-384' }],
    'our certificate': [
      { requestCert: true, rejectUnauthorized: false },
      () => ({ cert: file('client.pem'), key: file('client.key') }),
    ],
    'our certificate, by TLS 1.2': [
      { requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
      () => ({ cert: file('client.pem'), key: file('client.key') }),
    ],
    'TLS 1.2 without tickets': [{ maxVersion: 'TLSv1.2', secureOptions: 0x4000 }],
    'TLS 1.3 without tickets': [{ secureOptions: 0x4000 }],
  };
  for (const [what, [options, tls]] of Object.entries(HANDSHAKES)) {
    it(`takes over after a handshake with ${what}`, () =>
      withServer(options, echo, async (port) => {
        const connection = await (await dial(port, tls?.())).connection;
        await connection.write(Buffer.from('ping'));
        expect(String(await connection.read(4, 'the echo'))).to.equal('ping');
        connection.destroy();
      }));
  }

  const READS: Readonly<Record<string, Serve>> = {
    'in the record of the reply': (socket) => socket.write(REPLY + BANNER),
    'in the next record': (socket) => {
      socket.write(REPLY);
      socket.write(BANNER);
    },
    'in pieces': (socket) => {
      for (const byte of Buffer.from(REPLY + BANNER)) socket.write(Buffer.of(byte));
    },
  };
  for (const [where, serve] of Object.entries(READS)) {
    it(`leaves a banner in the kernel that comes ${where}`, () =>
      withServer(
        {},
        (socket) => socket.once('data', () => serve(socket)),
        async (port) => {
          const connection = await (await dial(port)).connection;
          await connection.write(Buffer.from('x'));
          const end = (soFar: Buffer): number => (soFar.subarray(-4).equals(Buffer.from('\r\n\r\n')) ? 0 : 1);
          expect(String(await connection.readThrough(end, 4096, 'the reply'))).to.equal(REPLY);
          expect(String(await connection.peek(10_000))).to.match(/^S/);
          expect(String(await connection.read(BANNER.length, 'the banner'))).to.equal(BANNER);
          connection.destroy();
        },
      ));
  }

  it('becomes a stream that knows the end, both ways', () =>
    withServer(
      {},
      (socket) => void socket.once('data', (said) => socket.once('end', () => socket.end(`heard ${said}`))),
      async (port) => {
        const stream = (await (await dial(port)).connection).toStream();
        stream.end('all');
        expect(await text(stream)).to.equal('heard all');
      },
    ));

  it('takes a connection of another copy of this package, as there are in the bundles of the command', () =>
    withServer({}, echo, async (port) => {
      const sys = makeSys();
      const { signal } = new AbortController();
      const { DescriptorConnection } = await import(new URL('../connection/descriptor.js?copy', import.meta.url).href);
      const plain = await openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal, sys });
      const other = new DescriptorConnection((plain as KernelTlsConnection).release(), sys);
      const onNeedsRelay = (why: string): void => expect.fail(why);
      const options = { ca: file('proxy.pem') };
      const request = { host: '127.0.0.1', options, path: String, signal, onNeedsRelay, sys };
      const connection = await wrapKernelTls(other, request);
      expect(connection.descriptor).to.be.a('number');
      connection.destroy();
    }));

  it('says what it does', () =>
    withServer({}, echo, async (port) => {
      const { connection, events, steps } = await dial(port);
      (await connection).destroy();
      expect(steps).to.deep.equal(['attach', 'send', 'receive']);
      expect(events.filter(({ event }) => event === 'note')).to.deep.equal([
        { event: 'note', text: 'the kernel does TLS with 127.0.0.1 from here on' },
      ]);
    }));

  describe('with openssl', () => {
    /** What the server does that Node's cannot. It says what we have said, line by line, backwards. */
    async function withOpenssl(words: readonly string[], use: (port: number) => Promise<void>): Promise<void> {
      const files = ['-cert', file('proxy.pem'), '-key', file('proxy.key')];
      const server = await startServer(
        'openssl',
        (port) => ['s_server', '-accept', `127.0.0.1:${port}`, ...files, '-quiet', '-rev', ...words],
        { stopSignal: 'SIGKILL' },
      );
      try {
        await use(server.port);
      } finally {
        await server.close();
      }
    }

    for (const count of [0, 1, 2, 8]) {
      it(`skips ${count} tickets before the first data`, () =>
        withOpenssl(['-num_tickets', String(count)], async (port) => {
          const connection = await (await dial(port)).connection;
          await connection.write(Buffer.from('abc\n'));
          expect(String(await connection.read(4, 'the line'))).to.equal('cba\n');
          connection.destroy();
        }));
    }
  });

  it('reports an alert as Node does', () =>
    withServer({ requestCert: true, rejectUnauthorized: true }, echo, async (port) => {
      const { connection, reasons } = await dial(port);
      const peer = await connection;
      const error = explainTlsFailure(await caught(peer.read(1, 'the reply')), '127.0.0.1');
      expect(formatError(error)).to.equal(
        '127.0.0.1 refused the TLS handshake: certificate required; set tls.cert and tls.key if it wants a certificate of ours',
      );
      expect(reasons).to.deep.equal([]);
      peer.destroy();
    }));

  it('ends where the other side says so, and reads nothing after that', () =>
    withServer(
      {},
      (socket) => socket.end('bye'),
      async (port) => {
        const connection = await (await dial(port)).connection;
        expect(String(await connection.read(3, 'the greeting'))).to.equal('bye');
        for (const what of ['the rest', 'more'])
          expect(await caught(connection.read(1, what))).to.include({
            message: `the connection closed before ${what}`,
          });
        connection.destroy();
      },
    ));

  for (const event of ['sent', 'received', 'note'] as const) {
    it(`leaves nothing open when whoever hears of it aborts the dial (${event})`, () =>
      withServer({}, echo, async (port) => {
        const abort = new AbortController();
        const { connection } = await dial(port, {}, {}, { abort, event });
        expect(await caught(connection)).to.equal(abort.signal.reason);
      }));
  }

  const FAILURES: Readonly<Record<Step, readonly [errno: string, reason: string]>> = {
    attach: ['ENOENT', 'the kernel cannot do TLS on this connection: no such file or directory'],
    send: ['ENOENT', 'the kernel does not take the keys of TLS: no such file or directory'],
    receive: ['EINVAL', 'the kernel does not take the keys of TLS: invalid argument'],
  };
  for (const [step, [errno, reason]] of Object.entries(FAILURES)) {
    it(`needs a relay where the kernel fails to ${step}, and leaves nothing open`, () =>
      withServer({}, echo, async (port) => {
        const { connection, reasons } = await dial(port, {}, { [step]: errno });
        await caught(connection);
        expect(reasons).to.deep.equal([reason]);
      }));
  }

  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-CCM']) {
    it(`needs a relay for a suite that the kernel does not have: ${ciphers}`, () =>
      withServer({ maxVersion: 'TLSv1.2', ciphers }, echo, async (port) => {
        const { connection, reasons, steps } = await dial(port);
        await caught(connection);
        expect(reasons[0]).to.match(/^the kernel cannot go on with this TLS: TLSv1\.2, TLS_ECDHE_ECDSA_WITH_AES_128_C/);
        expect(steps).to.deep.equal(['attach']);
      }));
  }
}
