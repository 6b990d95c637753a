import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Connection, formatError, makeTarget, type TraceEvent } from '@fdpass/core';
import { handOver, openChannel, type RelayRequest } from '@fdpass/core/host';
import { adoptFd, kernelHasTls, loadSys, recvFd } from '@fdpass/core/sockets';
import {
  alternativeNames,
  describeInMachine,
  expectNoDescriptorLeft,
  type Finished,
  makeCertificate,
  openDescriptors,
  requireModule,
  requirePeers,
  startTlsProxyServer,
  TLS_PROXY_NAMES,
  type TlsProxyServer,
  type TlsProxySettings,
  temporaryFolder,
  useSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';
import { carriers, carriersCommand, SSH_ALONE, SSH_AND_RELAY } from './carriers.spec.helper.js';
import { fdpass, proxyCommand } from './commands.spec.helper.js';

/** By hand all proxies carry sessions, and a hundred times as much. */
const IS_LONG = process.env['FDPASS_TEST_LONG'] === '1';
const BYTES = (IS_LONG ? 100 : 1) << 20;
/** Node takes seconds to start in an emulated processor, so not all of them do always. */
const WITH_SESSION = IS_LONG ? TLS_PROXY_NAMES : ['stunnel and tinyproxy', 'squid'];
/** In an emulated processor. */
const LIMIT_MS = IS_LONG ? 1_800_000 : 180_000;
/** To a server that sends back what it gets, in pieces that are not records. */
const PIECE = 50_000;
/** Less than the buffers on the way hold. */
const MOST_UNDER_WAY = 5 * PIECE;

/** Real ssh and real proxies with TLS by a real kernel. */
describeInMachine('TLS by the kernel, through real proxies', import.meta.url, {}, () => {
  const { sshd, env } = useSshd();
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, name);
  let echo: Server;
  let settings: TlsProxySettings;

  before(async function () {
    this.timeout(LIMIT_MS);
    requirePeers(this, 'openssl');
    const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')];
    makeCertificate(folder.path, 'ca', ['-addext', 'keyUsage=keyCertSign']);
    for (const [name, names] of [
      ['proxy', 'IP:127.0.0.1'],
      ['elsewhere', 'DNS:elsewhere.example'],
      ['client', 'DNS:client.example'],
    ] as const)
      makeCertificate(folder.path, name, [...alternativeNames(names), ...authority]);
    settings = { folder: folder.path, cert: file('proxy.pem'), key: file('proxy.key') };
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
    await once(echo.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => {
    echo?.close();
    folder.remove();
  });

  /** Rules of a configuration: all connections go through one proxy. */
  function through(url: string, tls: object): object {
    const strategy = url.startsWith('https') ? 'http-connect' : 'socks';
    return { rules: [{ use: { strategy, url, tls: { ca: file('ca.pem'), ...tls } } }] };
  }

  function configure(url: string, tls: object, more: object = {}): string {
    writeFileSync(file('config.json'), JSON.stringify({ ...through(url, tls), ...more }), { mode: 0o600 });
    return file('config.json');
  }

  function ssh(config: string, remote: string): Promise<Finished> {
    const options = { ProxyCommand: proxyCommand('--config', config), ProxyUseFdpass: 'yes' };
    return sshd().ssh(remote, options, { host: '127.0.0.1', env, timeoutMs: LIMIT_MS });
  }

  interface Passed {
    readonly fd: number | undefined;
    readonly notes: readonly string[];
    /** Why nothing was passed. */
    readonly refusal: string | undefined;
  }

  /** What is passed of a connection to the echo server. Where a relay is needed, this process dials for it. */
  async function pass(url: string, tls: object): Promise<Passed> {
    const { router } = await builtinFramework({ content: through(url, tls), baseDir: '/' });
    const route = await router.route(makeTarget({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port }));
    const relayed = ({ signal, timeoutMs }: RelayRequest): Promise<Connection> =>
      router.dial(route, { signal, timeoutMs, isPrepared: true });
    const sys = loadSys();
    const [ours, theirs] = sys.socketpair();
    const notes: string[] = [];
    const trace = (event: TraceEvent): void => void (event.event === 'note' && notes.push(event.text));
    try {
      await handOver(openChannel({ input: theirs, output: theirs }), route, router, { trace, relayed });
      return { fd: await recvFd(ours), notes, refusal: undefined };
    } catch (error) {
      return { fd: undefined, notes, refusal: formatError(error) };
    } finally {
      sys.close(theirs);
      sys.close(ours);
    }
  }

  describe('without the module', () => {
    let proxy: TlsProxyServer;
    before(async function () {
      this.timeout(LIMIT_MS);
      spawnSync('modprobe', ['-r', 'tls']); // others in this machine can have loaded it
      proxy = await startTlsProxyServer(this, 'stunnel and tinyproxy', settings);
    });
    after(() => proxy?.close());

    it('is done by a relay process, without a word to the user', async () => {
      expect(kernelHasTls()).to.equal(false);
      const { status, stdout, stderr } = await ssh(configure(proxy.url, { kernel: true }), carriersCommand(env));
      expect([status, carriers(stdout), stderr], stderr).to.deep.equal([0, SSH_AND_RELAY, '']);
    }).timeout(LIMIT_MS);

    it('is explained', async () => {
      const { stdout } = await fdpass([
        'explain',
        '--no-ssh',
        '--config',
        configure(proxy.url, { kernel: true }),
        'x.example',
      ]);
      expect(stdout)
        .to.match(
          /^decided {2}TLS with 127\.0\.0\.1 is done by a relay process: the kernel does not offer TLS \(as root: modprobe tls\)$/m,
        )
        .and.match(/^gives {4}a relay process/m);
    }).timeout(LIMIT_MS);
  });

  describe('with the module', () => {
    before(function () {
      requireModule(this, 'tls');
      expect(kernelHasTls()).to.equal(true);
    });

    for (const name of TLS_PROXY_NAMES) {
      describe(name, () => {
        let proxy: TlsProxyServer;
        before(async function () {
          this.timeout(LIMIT_MS);
          proxy = await startTlsProxyServer(this, name, settings);
        });
        after(() => proxy?.close());

        if (WITH_SESSION.includes(name)) {
          it('carries a session of ssh that nothing relays', async () => {
            const { status, stdout, stderr } = await ssh(configure(proxy.url, { kernel: true }), carriersCommand(env));
            expect([status, carriers(stdout), stderr], stderr).to.deep.equal([0, SSH_ALONE, '']);
          }).timeout(LIMIT_MS);
        }

        it('loses no byte either way', async () => {
          const opened = openDescriptors();
          const { fd, notes } = await pass(proxy.url, { kernel: true });
          expect(notes).to.deep.equal(['the kernel does TLS with 127.0.0.1 from here on']);
          expect(await thereAndBack(fd ?? -1, BYTES)).to.deep.equal({ isSame: true });
          await expectNoDescriptorLeft(opened);
        }).timeout(LIMIT_MS);
      });
    }

    describe('stunnel', () => {
      let proxy: TlsProxyServer;
      before(async function () {
        this.timeout(LIMIT_MS);
        proxy = await startTlsProxyServer(this, 'stunnel and tinyproxy', settings);
      });
      after(() => proxy?.close());

      it('ends a session that the server ends with an error of ssh, as docs/kernel-tls.md says', async () => {
        const config = configure(proxy.url, {}, { defaults: { tls: { kernel: true } } });
        const { status, stderr } = await ssh(config, 'kill -9 $PPID; sleep 60');
        expect(stderr).to.contain('Read from remote host 127.0.0.1: Input/output error');
        expect(status).to.equal(255);
      }).timeout(LIMIT_MS);
    });

    const REFUSALS: Readonly<
      Record<string, readonly [proxy: () => Partial<TlsProxySettings>, tls: () => object, said: RegExp]>
    > = {
      'a certificate of another name': [
        () => ({ cert: file('elsewhere.pem'), key: file('elsewhere.key') }),
        () => ({}),
        /127\.0\.0\.1 is not in the cert's list/,
      ],
      'an authority that is not known': [() => ({}), () => ({ ca: file('client.pem') }), /name its CA with tls\.ca/],
      'a certificate that is not the pinned one': [
        () => ({}),
        () => ({ ca: undefined, fingerprint: '00'.repeat(32) }),
        /fingerprint/,
      ],
      'no certificate of ours': [
        () => ({ clientCa: file('ca.pem'), maxVersion: 'TLSv1.2' }),
        () => ({}),
        /refused the TLS handshake: handshake failure; set tls\.cert/,
      ],
    };
    for (const [what, [own, tls, said]] of Object.entries(REFUSALS)) {
      it(`refuses ${what} in the same words as a relay process`, async function () {
        const proxy = await startTlsProxyServer(this, 'stunnel and tinyproxy', { ...settings, ...own() });
        const words = async (kernel: boolean): Promise<unknown> => {
          const { fd, refusal } = await pass(proxy.url, { ...tls(), kernel });
          expect(fd).to.equal(undefined);
          return refusal;
        };
        try {
          const byKernel = await words(true);
          expect(byKernel).to.deep.equal(await words(false));
          expect(String(byKernel)).to.match(said);
        } finally {
          await proxy.close();
        }
      }).timeout(LIMIT_MS);
    }
  });
});

/**
 * Sends `length` bytes to the echo server and reads them back, as a program does that knows nothing of TLS. Only a part of them is
 * under way at any time: a proxy such as microsocks, which blocks until it has written all that it has read, would stop for good once
 * the buffers of both directions are full.
 */
async function thereAndBack(fd: number, length: number): Promise<unknown> {
  const socket = adoptFd(fd, loadSys());
  const data = randomBytes(PIECE);
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  let [out, back] = [0, 0];
  const goOn = (): void => {
    while (out < length && out - back < MOST_UNDER_WAY) {
      const piece = data.subarray(0, length - out);
      sent.update(piece);
      socket.write(piece);
      out += piece.length;
    }
  };
  goOn();
  for await (const chunk of socket) {
    received.update(chunk);
    back += (chunk as Buffer).length;
    if (back >= length) break;
    goOn();
  }
  return { isSame: sent.digest('hex') === received.digest('hex') };
}
