import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  alternativeNames,
  type Background,
  expectNoneLeft,
  type Finished,
  findPostgres,
  makeCertificate,
  markedEnvironment,
  markedProcesses,
  type Postgres,
  requirePeers,
  run,
  type Sshd,
  skipOrFail,
  startPostgres,
  startServer,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { startHttpProxy, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';
import { ROOT } from './doc-blocks.spec.helper.js';

/** Only the second proxy knows it. */
const HOST = 'inside.example';
const PAGE = '<html><body><p>the page</p></body></html>\n';

/** One configuration: every kind of program reaches a host behind two proxies. */
describe('one configuration for every program', () => {
  const folder = temporaryFolder();
  const at = (path: string): string => join(folder.path, path);
  const { env: mark, marker } = markedEnvironment();
  const env = { ...NO_CONFIG, ...mark, FDPASS_CONFIG: at('config.yaml'), HOME: at('home') };
  const servers: Server[] = [];
  let socks: TestProxy;
  let http: TestProxy;
  let sshd: Sshd;
  let postgres: Postgres | undefined;
  let listener: Background;
  let web: number;
  let secure: number;

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  }
  const proxy = (scheme: string): string => `${scheme}://127.0.0.1:${listener.port}`;

  /** Files, the packages of an npm registry, and a page. */
  const serve: RequestListener = ({ url = '' }, response) => {
    const path = at(`www${decodeURIComponent(url.split('?')[0] ?? '')}`);
    if (url === '/') return void response.end(PAGE);
    if (existsSync(path)) return void response.end(readFileSync(path));
    response.writeHead(404).end();
  };

  before(async function () {
    requirePeers(this, 'ssh', 'sshd', 'openssl');
    for (const path of ['home', 'www', 'www/npm']) mkdirSync(at(path));
    const { cert, key } = makeCertificate(folder.path, HOST, alternativeNames(`DNS:${HOST}`));
    web = await listen(createServer(serve));
    secure = await listen(createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve));
    socks = await startSocksProxy();
    http = await startHttpProxy({ hosts: { [HOST]: '127.0.0.1' } });
    sshd = await startSshd();
    const chain = [`socks5h://127.0.0.1:${socks.port}`, `http://127.0.0.1:${http.port}`];
    writeFileSync(at('config.yaml'), `rules: [{ host: ${HOST}, use: ${JSON.stringify(chain)} }]\n`, { mode: 0o600 });
    listener = await startServer(process.execPath, (port) => [FDPASS_BIN, 'listen', `127.0.0.1:${port}`], { env });
  });
  after(async () => {
    await listener?.close();
    for (const server of servers) server.close();
    for (const peer of [socks, http, sshd, postgres]) await peer?.close();
    await expectNoneLeft(() => markedProcesses(marker));
    folder.remove();
  });

  /** What both proxies saw of a program that connects to a port once or more often. */
  async function seen(program: () => Promise<Finished>): Promise<{ ended: Finished; ports: readonly number[] }> {
    const before = [socks.asked.length, http.asked.length] as const;
    const ended = await program();
    const atFirst = socks.asked.slice(before[0]);
    const atSecond = http.asked.slice(before[1]);
    // A browser gives up connections that it no longer needs, perhaps before they reach the second one.
    expect(new Set(atFirst)).to.deep.equal(new Set([`127.0.0.1:${http.port}`]));
    expect(atFirst).to.have.length.of.at.least(atSecond.length);
    expect(atSecond.map((asked) => asked.split(':')[0])).to.deep.equal(atSecond.map(() => HOST));
    return { ended, ports: [...new Set(atSecond.map((asked) => Number(asked.split(':')[1])))] };
  }
  /** That, of one that succeeds. */
  async function expectSeen(port: number, said: RegExp, program: () => Promise<Finished>): Promise<void> {
    const { ended, ports } = await seen(program);
    expect(ended.stdout, ended.stderr).to.match(said);
    expect([ended.status, ports], ended.stderr).to.deep.equal([0, [port]]);
  }

  it('ssh, by its ProxyCommand', async () => {
    const options = { ProxyCommand: proxyCommand(), ProxyUseFdpass: 'yes' };
    await expectSeen(sshd.port, /^hello\n$/, () => sshd.ssh('echo hello', options, { host: HOST, env }));
  });

  for (const scheme of ['socks5h', 'socks4a', 'http'])
    it(`curl, by fdpass listen as ${scheme}://`, async function () {
      requirePeers(this, 'curl');
      const args = ['-sS', '--cacert', at(`${HOST}.pem`), '-x', proxy(scheme), `https://${HOST}:${secure}/`];
      await expectSeen(secure, /the page/, () => run('curl', args, { env }));
    });

  for (const scheme of ['socks5', 'http'])
    it(`Chromium, by fdpass listen as ${scheme}://`, async function () {
      requirePeers(this, 'chromium');
      const flags = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-sync',
      ];
      const profile = [`--user-data-dir=${at(`chromium-${scheme}`)}`, `--proxy-server=${proxy(scheme)}`];
      const args = [...flags, ...profile, '--dump-dom', `http://${HOST}:${web}/`];
      const own = { ...env, XDG_CONFIG_HOME: at('home') }; // it makes a folder that is missing
      await expectSeen(web, /<p>the page<\/p>/, () => run('chromium', args, { env: own, timeoutMs: 100_000 }));
    });

  it('git, with a server that speaks TLS, by fdpass listen and by fdpass run', async function () {
    requirePeers(this, 'git');
    makeRepository(at('www/project.git'));
    const url = `https://${HOST}:${secure}/project.git`;
    const trusting = { env: { ...env, GIT_SSL_CAINFO: at(`${HOST}.pem`) } };
    const clone = (name: string): readonly string[] => ['clone', '-q', url, at(name)];
    const show = async (name: string): Promise<Finished> => run('git', ['-C', at(name), 'log', '--format=%s'], { env });
    await expectSeen(secure, /^a commit\n$/, async () => {
      const args = ['-c', `http.proxy=${proxy('socks5h')}`, ...clone('listened')];
      expect((await run('git', args, trusting)).stderr).to.equal('');
      return show('listened');
    });
    await expectSeen(secure, /^a commit\n$/, async () => {
      expect((await fdpass(['run', '--', 'git', ...clone('ran')], trusting)).stderr).to.equal('');
      return show('ran');
    });
  });

  it('npm, with a registry, by fdpass run', async function () {
    const { npm = '' } = requirePeers(this, 'npm');
    const base = `http://${HOST}:${web}/npm`;
    publish(npm, base);
    mkdirSync(at('project'));
    writeFileSync(at('project/package.json'), '{}');
    const quiet = [
      '--loglevel=notice',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      `--cache=${at('npm-cache')}`,
    ];
    const words = [npm, 'install', '--prefix', at('project'), `--registry=${base}/`, ...quiet, 'a-package'];
    await expectSeen(web, /added 1 package/, () => fdpass(['run', '--', ...words], { env }));
    expect(readFileSync(at('project/node_modules/a-package/index.js'), 'utf8')).to.equal('// a package\n');
  });

  it('psql, by a socket that socat connects through fdpass listen, and by fdpass --stdio', async function () {
    requirePeers(this, 'socat');
    const bin = findPostgres() ?? skipOrFail(this, 'not installed: initdb');
    postgres = await startPostgres(bin);
    const { port } = postgres;
    const query = [
      '-U',
      'tester',
      '-h',
      folder.path,
      '-p',
      String(port),
      '-d',
      'postgres',
      '-Atc',
      "SELECT 'the answer'",
    ];
    for (const way of [
      `SOCKS4A:127.0.0.1:${HOST}:${port},socksport=${listener.port}`,
      `EXEC:"${process.execPath} ${FDPASS_BIN} --stdio ${HOST} ${port}"`,
    ]) {
      const socket = `UNIX-LISTEN:${at(`.s.PGSQL.${port}`)},unlink-early`;
      await expectSeen(port, /^the answer\n$/, async () => {
        const socat = run('socat', [socket, way], { env });
        while (!existsSync(at(`.s.PGSQL.${port}`))) await new Promise(setImmediate);
        const answer = await run(join(bin, 'psql'), query, { env });
        await socat;
        return answer;
      });
    }
  });

  /** Node programs that know nothing of proxies. */
  const PROGRAMS: Readonly<Record<string, (url: string) => string>> = {
    fetch: (url) => `console.log(await (await fetch('${url}')).text());`,
    axios: (url) => `import axios from '${axiosFile()}'; console.log((await axios.get('${url}')).data);`,
  };
  for (const [name, program] of Object.entries(PROGRAMS))
    it(`a program with ${name}, by fdpass run`, async () => {
      const words = [process.execPath, '--input-type=module', '-e', program(`http://${HOST}:${web}/`)];
      await expectSeen(web, /the page/, () => fdpass(['run', '--', ...words], { env }));
    });

  /** One that any web server can give away. */
  function makeRepository(bare: string): void {
    const work = at('work');
    const git = (...args: readonly string[]): void =>
      void execFileSync('git', args, { stdio: 'ignore', env: { ...process.env, HOME: at('home') } });
    git('init', '-q', work);
    git('-C', work, '-c', 'user.name=me', '-c', 'user.email=me', 'commit', '-q', '--allow-empty', '-m', 'a commit');
    git('clone', '-q', '--bare', work, bare);
    git('-C', bare, 'update-server-info');
  }

  /** A package in a registry, as npm itself packs it. */
  function publish(npm: string, base: string): void {
    const [name, version] = ['a-package', '1.0.0'];
    mkdirSync(at(name));
    writeFileSync(at(`${name}/package.json`), JSON.stringify({ name, version }));
    writeFileSync(at(`${name}/index.js`), '// a package\n');
    const options = { stdio: 'ignore', env: { ...process.env, HOME: at('home') } } as const;
    execFileSync(npm, ['pack', '--pack-destination', folder.path, at(name)], options);
    const tarball = readFileSync(at(`${name}-${version}.tgz`));
    writeFileSync(at(`www/npm/${name}-${version}.tgz`), tarball);
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const dist = { tarball: `${base}/${name}-${version}.tgz`, integrity };
    const packument = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
    writeFileSync(at(`www/npm/${name}`), JSON.stringify(packument));
  }
});

/** The tests of npm's clients have it. */
function axiosFile(): string {
  return createRequire(join(ROOT, 'packages/clients/package.json')).resolve('axios');
}
