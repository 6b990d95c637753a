import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Background,
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  skipOrFail,
  startServer,
  startSquid,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { CLEAN, proxyOptions } from './command.spec.helper.js';
import { Certificates } from './tls-proxy.spec.helper.js';

const PASSWORD = 'open sesame';
const ME = 'me:open%20sesame@';
const WRONG = 'me:wrong@';
const SQUID_HELPERS = '/usr/lib/squid';

/** Names that the ssh server is reached by; `localhost` is looked up by the proxy. */
const HOSTS = ['localhost', '127.0.0.1'];

describe('http-connect through real proxies', () => {
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, name);
  const write = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(file(name), text, { mode });
    return file(name);
  };
  const { env: mark, marker } = markedEnvironment();
  const env = { ...CLEAN, ...mark };
  let sshd: Sshd;

  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    sshd = await startSshd();
  });
  after(async () => {
    await sshd?.close();
    folder.remove();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  /** An ssh session by `fdpass` with these arguments: what its command prints, or what ssh and fdpass say. */
  async function session(host: string, ...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await sshd.ssh('echo through', proxyOptions(...args), { host, env });
    return status === 0 ? stdout : `${status}: ${stderr}`;
  }

  /** Sessions through a proxy that `start` runs: `good` user-infos work, the others are refused with these words. */
  function sessions(
    start: (this: Mocha.Context) => Promise<Background>,
    good: readonly string[],
    bad: Readonly<Record<string, RegExp>>,
  ): void {
    let proxy: Background;
    before(async function () {
      proxy = await start.call(this);
    });
    after(() => proxy?.close());

    for (const userInfo of good) {
      for (const host of HOSTS) {
        it(`reaches ${host}${userInfo === '' ? '' : ' with a password'}`, async () => {
          expect(await session(host, '--via', `http://${userInfo}127.0.0.1:${proxy.port}`)).to.equal('through\n');
        });
      }
    }
    for (const [userInfo, text] of Object.entries(bad)) {
      it(`is refused ${userInfo === '' ? 'without a password' : 'with a wrong password'}`, async () => {
        const said = await session('localhost', '--via', `http://${userInfo}127.0.0.1:${proxy.port}`);
        expect(said)
          .to.match(/^255: /)
          .and.match(text);
        expect(said).to.not.contain('wrong@').and.not.contain('sesame');
      });
    }
  }

  const REFUSED = /refused the user name or the password/;
  const UNASKED = (schemes: string): RegExp => new RegExp(`wants a user name and a password \\(${schemes}\\)`);

  const tinyproxy = (more = '') =>
    function start(this: Mocha.Context): Promise<Background> {
      const { tinyproxy: program = '' } = requirePeers(this, 'tinyproxy');
      return startServer(program, (port) => [
        '-d',
        '-c',
        write(
          'tinyproxy.conf',
          `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n${more}\n`,
        ),
      ]);
    };
  describe('tinyproxy', () => sessions(tinyproxy(), [''], {}));
  describe('tinyproxy with Basic', () =>
    sessions(tinyproxy('BasicAuth me opensesame'), ['me:opensesame@'], { '': UNASKED('basic'), [WRONG]: REFUSED }));
  describe('tinyproxy that allows port 443 only', () =>
    sessions(tinyproxy('ConnectPort 443'), [], {
      '': /the proxy answered 403 Access violation .*often it is just 443/,
    }));

  const ncat = (...more: readonly string[]) =>
    function start(this: Mocha.Context): Promise<Background> {
      const { ncat: program = '' } = requirePeers(this, 'ncat');
      return startServer(program, (port) => ['-l', '-k', '--proxy-type', 'http', ...more, '127.0.0.1', String(port)]);
    };
  describe('ncat', () => sessions(ncat(), [''], {}));
  // ncat offers Digest (MD5) and Basic; ours is Digest.
  describe('ncat with Digest', () =>
    sessions(ncat('--proxy-auth', `me:${PASSWORD}`), [ME], {
      '': UNASKED('(basic, digest|digest, basic)'),
      [WRONG]: REFUSED,
    }));

  const squid = (settings: () => string, listen?: (port: number) => string) =>
    function start(this: Mocha.Context): Promise<Background> {
      const { squid: program = '' } = requirePeers(this, 'squid');
      return startSquid(program, { folder: folder.path, listen, settings: settings() });
    };
  describe('squid', () =>
    sessions(
      squid(() => ''),
      [''],
      {},
    ));
  describe('squid with Basic', () =>
    sessions(
      squid(() => {
        const hash = execFileSync('openssl', ['passwd', '-apr1', PASSWORD]).toString().trim();
        return [
          `auth_param basic program ${SQUID_HELPERS}/basic_ncsa_auth ${write('passwords', `me:${hash}\n`, 0o644)}`,
          'auth_param basic realm r',
          'acl known proxy_auth REQUIRED',
          'http_access deny !known',
        ].join('\n');
      }),
      [ME],
      { '': UNASKED('basic'), [WRONG]: REFUSED },
    ));
  for (const realm of ['r', 'Acc\u00e8s \u0418\u043d\u0442\u0435\u0440\u043d\u0435\u0442']) {
    describe(`squid with Digest, realm ${realm}`, () =>
      sessions(
        squid(() => {
          const hash = createHash('md5').update(`me:${realm}:${PASSWORD}`).digest('hex');
          return [
            `auth_param digest program ${SQUID_HELPERS}/digest_file_auth -c ${write('digests', `me:${realm}:${hash}\n`, 0o644)}`,
            `auth_param digest realm ${realm}`,
            'acl known proxy_auth REQUIRED',
            'http_access deny !known',
          ].join('\n');
        }),
        [ME],
        { '': UNASKED('digest'), [WRONG]: REFUSED },
      ));
  }
  describe('squid that forbids', () =>
    sessions(
      squid(() => 'http_access deny all'),
      [],
      { '': /the proxy answered 403 Forbidden \(ERROR The requested URL could not be retrieved/ },
    ));

  describe('squid over TLS', () => {
    let proxy: Background;
    before(async function () {
      const { squid: program = '' } = requirePeers(this, 'squid', 'openssl');
      if (!/--with-(openssl|gnutls)/.test(execFileSync(program, ['-v']).toString()))
        skipOrFail(this, 'squid without TLS');
      const certificates = new Certificates(folder.path);
      const pair = `tls-cert=${certificates.file('proxy.pem')} tls-key=${certificates.file('proxy.key')}`;
      proxy = await squid(
        () => '',
        (port) => `https_port 127.0.0.1:${port} ${pair}`,
      ).call(this);
      const hop = { strategy: 'http-connect', url: `https://127.0.0.1:${proxy.port}`, tls: { ca: 'ca.pem' } };
      write('config.json', JSON.stringify({ rules: [{ use: hop }] }));
    });
    after(() => proxy?.close());

    for (const host of HOSTS) {
      it(`reaches ${host}`, async () => {
        expect(await session(host, '--config', file('config.json'))).to.equal('through\n');
      });
    }

    it('is refused where its authority is not known', async () => {
      expect(await session('localhost', '--via', `https://127.0.0.1:${proxy.port}`)).to.match(
        /name its CA with tls\.ca/,
      );
    });
  });
});
