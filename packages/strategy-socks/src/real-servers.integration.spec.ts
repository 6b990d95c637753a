import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  alternativeNames,
  type Background,
  makeCertificate,
  requirePeers,
  run,
  startServer,
  useSshd,
} from '@fdpass/test-lab';
import { refusedPort } from '@fdpass/testkit';
import { expect } from 'chai';

const bin = (name: string): string => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));
const FDPASS = [process.execPath, bin('fdpass')];
/** The same with a clock that runs faster. */
const HURRIED = [process.execPath, fileURLToPath(new URL('hurried.spec.helper.js', import.meta.url))];

/** Real SOCKS servers, real ssh with descriptor passing through them. */
describe('socks through real servers', () => {
  const { sshd, env } = useSshd();

  const file = (name: string, text: string): string => {
    writeFileSync(join(sshd().folder, name), text, { mode: 0o600 });
    return join(sshd().folder, name);
  };

  /** What a remote command prints through these fdpass arguments, or what ssh and fdpass say. */
  const session = (...args: readonly string[]): Promise<string> => sessionBy([...FDPASS, ...args]);

  async function sessionBy(words: readonly string[]): Promise<string> {
    const command = words.map((word) => `'${word.replaceAll('%', '%%')}'`).join(' ');
    const { status, stdout, stderr } = await sshd().ssh(
      'echo through',
      { ProxyCommand: `${command} %h %p`, ProxyUseFdpass: 'yes' },
      { env, host: '127.0.0.1' },
    );
    return status === 0 ? stdout : `${status}: ${stderr}`;
  }

  const optimistic = (url: string): string =>
    file('optimistic.yaml', `rules: [ { use: { strategy: socks, url: "${url}", optimistic: true } } ]\n`);

  /** Sessions by each scheme, politely and optimistically. */
  function sessions(schemes: readonly string[], port: () => number, userInfo = '', takesOneFlight = true): void {
    for (const scheme of schemes) {
      it(`${userInfo}${scheme}`, async () =>
        expect(await session('--via', `${scheme}://${userInfo}127.0.0.1:${port()}`)).to.equal('through\n'));
    }
    it(`${userInfo}optimistically, ${takesOneFlight ? 'in one flight that the server takes' : 'and politely after silence'}`, async () => {
      const url = `socks5h://${userInfo}127.0.0.1:${port()}`;
      const command = takesOneFlight ? [...FDPASS, '-vv', '--config', optimistic(url)] : [...HURRIED, url];
      expect(await sessionBy(command)).to.equal('through\n');
      const { stderr } = await run(process.execPath, [bin('fdrecv'), ...command, '127.0.0.1', String(sshd().port)], {
        env,
      });
      expect(stderr).to.match(/passed the descriptor|^handed-over/m);
      expect(stderr.includes('step by step')).to.equal(!takesOneFlight);
    });
  }

  describe('dante', () => {
    let server: Background;
    before(async function () {
      const { danted = '' } = requirePeers(this, 'danted');
      const { username } = userInfo();
      server = await startServer(danted, (port) => [
        '-f',
        file(
          'danted.conf',
          `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: ${username}
user.unprivileged: ${username}
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }
`,
        ),
        '-p',
        join(sshd().folder, 'danted.pid'),
      ]);
    });
    after(() => server?.close());
    sessions(['socks5', 'socks5h', 'socks4', 'socks4a'], () => server.port);

    it('says that the target refuses', async () => {
      const port = await refusedPort();
      const { status, stderr } = await run(
        process.execPath,
        [bin('fdpass'), '--via', `socks5://127.0.0.1:${server.port}`, '127.0.0.1', String(port)],
        { env, input: '' },
      );
      expect(status).to.equal(69);
      expect(stderr).to.match(/the proxy answered: connection refused \(SOCKS5 reply 0x05\)/);
    });
  });

  describe('microsocks', () => {
    let open: Background;
    let guarded: Background;
    before(async function () {
      const { microsocks = '' } = requirePeers(this, 'microsocks');
      open = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
      guarded = await startServer(microsocks, (port) => [
        '-i',
        '127.0.0.1',
        '-p',
        String(port),
        '-u',
        'me',
        '-P',
        'open sesame',
      ]);
    });
    after(() => Promise.all([open?.close(), guarded?.close()]));
    sessions(['socks5', 'socks5h'], () => open.port, '', false);
    sessions(['socks5', 'socks5h'], () => guarded.port, 'me:open%20sesame@', false);

    it('refuses a wrong password and none', async () => {
      const via = (user: string): Promise<string> => session('--via', `socks5://${user}127.0.0.1:${guarded.port}`);
      expect(await via('me:wrong@'))
        .to.match(/refused the user name or the password|closed/)
        .and.not.contain('wrong@');
      expect(await via('')).to.match(/it probably wants a user name and a password/);
    });
  });

  describe('ssh -D', () => {
    let server: Background;
    before(async function () {
      const { ssh = '' } = requirePeers(this, 'ssh');
      server = await startServer(ssh, (port) => [
        ...sshd().options(),
        '-N',
        '-D',
        `127.0.0.1:${port}`,
        `${sshd().user}@127.0.0.1`,
      ]);
    });
    after(() => server?.close());
    sessions(['socks5', 'socks5h', 'socks4', 'socks4a'], () => server.port);

    it('says that the target is not there, which ssh shows by closing', async () => {
      for (const scheme of ['socks5', 'socks5h', 'socks4', 'socks4a']) {
        const via = `${scheme}://127.0.0.1:${server.port}`;
        const args = [bin('fdpass'), '--via', via, '127.0.0.1', String(await refusedPort())];
        const { status, stderr } = await run(process.execPath, args, { env, input: '' });
        expect(stderr).to.match(/before the reply: the target refused or is unreachable/);
        expect([scheme, status]).to.deep.equal([scheme, 69]);
      }
    });

    it('is not an HTTP proxy: the error says what to check', async () => {
      const args = [bin('fdpass'), '--via', `http://127.0.0.1:${server.port}`, '127.0.0.1', '22'];
      const { status, stderr } = await run(process.execPath, args, { env, input: '' });
      expect(stderr).to.match(/check that it is an HTTP proxy, not a SOCKS or TLS one/);
      expect(status).to.equal(69);
    });

    it('gives fdrecv a descriptor of the socket to the proxy', async () => {
      const { stdout, status } = await run(
        process.execPath,
        [bin('fdrecv'), ...FDPASS, '--via', `socks5h://127.0.0.1:${server.port}`, 'localhost', String(sshd().port)],
        { env },
      );
      expect([status, stdout.replace(/local \S+ /, '')]).to.deep.equal([
        0,
        `inet stream peer 127.0.0.1:${server.port}\n`,
      ]);
    });
  });

  describe('tor', () => {
    let server: Background;
    let socket: string;
    before(async function () {
      const { tor = '' } = requirePeers(this, 'tor');
      const data = join(sshd().folder, 'tor');
      mkdirSync(data);
      chmodSync(data, 0o700);
      socket = join(data, 'socks');
      // A network of one directory that is not there, on loopback: tor reaches out to nobody else. (DisableNetwork 1 would
      // keep it from listening.)
      const network = `TestingTorNetwork 1
UseDefaultFallbackDirs 0
DirAuthority none orport=1 v3ident=${'0123456789'.repeat(4)} 127.0.0.1:2 ${'ABCDEF6789'.repeat(4)}
SocksTimeout 1
`;
      server = await startServer(tor, (port) => [
        '-f',
        file(
          'torrc',
          `${network}DataDirectory ${data}\nSocksPort 127.0.0.1:${port}\nSocksPort unix:${socket}\nLog notice stdout\n`,
        ),
        '--defaults-torrc',
        '/dev/null',
      ]);
    });
    after(() => server?.close());

    it('takes greeting and request, and refuses with a reason, over TCP and over a unix socket', async () => {
      for (const url of [`socks5h://127.0.0.1:${server.port}`, `socks5h://unix:${socket}`]) {
        const { status, stderr } = await run(
          process.execPath,
          [bin('fdpass'), '--timeout', '20s', '--via', url, 'host.example', '22'],
          { env, input: '' },
        );
        // Which reason tor gives depends on how far its circuits have come; that it gives one is the path tested.
        expect(stderr).to.match(/: the proxy answered: .*\(SOCKS5 reply 0x[0-9a-f]{2}\)/);
        expect(status).to.be.oneOf([69, 75]);
      }
    });

    it('takes the credentials of an isolated stream', async () => {
      const config = file(
        'isolate.yaml',
        `rules: [ { use: { strategy: socks, url: "socks5h://127.0.0.1:${server.port}", isolate: true } } ]\n`,
      );
      const { stderr } = await run(
        process.execPath,
        [bin('fdpass'), '-vv', '--timeout', '20s', '--config', config, 'host.example', '22'],
        { env, input: '' },
      );
      expect(stderr)
        .to.contain('waiting for the reply')
        .and.not.match(/refused the user name/);
    });
  });

  it('SOCKS over TLS is relayed by a detached process that ends with us', async function () {
    requirePeers(this, 'openssl', 'socat', 'microsocks');
    const { cert, key } = makeCertificate(sshd().folder, 'proxy', alternativeNames('DNS:localhost'));
    const { microsocks = '', socat = '' } = requirePeers(this, 'microsocks', 'socat');
    const socks = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    const tls = await startServer(socat, (port) => [
      `OPENSSL-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,cert=${cert},key=${key},verify=0`,
      `TCP:127.0.0.1:${socks.port}`,
    ]);
    try {
      const config = file(
        'tls.yaml',
        `rules: [ { use: { strategy: socks, url: "socks5h+tls://localhost:${tls.port}", tls: { ca: ${cert} } } } ]\n`,
      );
      expect(await session('--config', config)).to.equal('through\n');
      expect(await session('--via', `socks5h+tls://localhost:${tls.port}`)).to.match(
        /--via: socks5h\+tls:.*certificate/i,
      );
    } finally {
      await tls.close();
      await socks.close();
    }
  });
});
