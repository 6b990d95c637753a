import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  type Background,
  expectNoneLeft,
  type Finished,
  makeCertificate,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  startServer,
  temporaryFolder,
} from '@fdpass/test-lab';
import { refusedPort, startHttpProxy, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

const NAMES = { 'web.example': '127.0.0.1', 'other.example': '127.0.0.1' };
const PAGE = 'the page';

/** How curl uses a proxy at a port. */
const CURL: Readonly<Record<string, (port: number) => readonly string[]>> = {
  'SOCKS 5': (port) => ['--socks5-hostname', `127.0.0.1:${port}`],
  'SOCKS 4a': (port) => ['--socks4a', `127.0.0.1:${port}`],
  CONNECT: (port) => ['--proxytunnel', '--proxy', `http://127.0.0.1:${port}`],
  'a request with a URL': (port) => ['--proxy', `http://127.0.0.1:${port}`],
};

describe('fdpass listen', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const env = { ...NO_CONFIG, ...mark, XDG_STATE_HOME: join(folder.path, 'state') };
  const config = join(folder.path, 'config.yaml');
  const servers: Server[] = [];
  let socks: TestProxy;
  let http: TestProxy;
  let web: number;
  let secure: number;
  let closed: number;
  let listener: Background;

  const configure = (...rules: readonly string[]): void =>
    writeFileSync(config, ['rules:', ...rules.map((rule) => `  - ${rule}`), ''].join('\n'), { mode: 0o600 });
  const start = (...options: readonly string[]): Promise<Background> =>
    startServer(process.execPath, (port) => [FDPASS_BIN, 'listen', '-c', config, ...options, `127.0.0.1:${port}`], {
      env,
    });
  const curl = (...args: readonly string[]): Promise<Finished> => run('curl', ['-sS', '--noproxy', '', ...args]);
  const url = (host: string, port = web): string => `http://${host}:${port}/`;

  before(async function () {
    requirePeers(this, 'curl', 'openssl');
    const { cert, key } = makeCertificate(folder.path, 'web.example');
    servers.push(
      createServer((_, response) => void response.end(PAGE)),
      createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => void response.end(PAGE)),
    );
    const ports = await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve) => {
            server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
          }),
      ),
    );
    [web = 0, secure = 0] = ports;
    closed = await refusedPort();
    socks = await startSocksProxy({ hosts: NAMES });
    http = await startHttpProxy({ hosts: NAMES });
    configure(
      `{ host: web.example, use: ["socks5h://127.0.0.1:${socks.port}", "http://127.0.0.1:${http.port}"] }`,
      `{ host: other.example, use: "socks5h://127.0.0.1:${socks.port}" }`,
      `{ host: closed.example, use: { strategy: direct, host: 127.0.0.1, port: ${closed} } }`,
      '{ host: wrong.example, use: { strategy: direct, family: 7 } }',
    );
    listener = await start();
  });
  after(async () => {
    await listener?.close();
    for (const server of servers) server.close();
    await socks?.close();
    await http?.close();
    await expectNoneLeft(() => markedProcesses(marker));
    folder.remove();
  });

  for (const [how, words] of Object.entries(CURL)) {
    it(`connects by the rules for curl with ${how}`, async () => {
      const before = [socks.asked.length, http.asked.length];
      for (const host of ['web.example', 'other.example']) {
        const { stdout, stderr } = await curl(...words(listener.port), url(host));
        expect([stdout, stderr]).to.deep.equal([PAGE, '']);
      }
      expect([socks.asked.slice(before[0]), http.asked.slice(before[1])]).to.deep.equal([
        [`127.0.0.1:${http.port}`, `other.example:${web}`],
        [`web.example:${web}`],
      ]);
    });
  }

  it('asks the conditions of rules once for connections that are made within a few seconds', async () => {
    const rules = readFileSync(config, 'utf8');
    const socket = `socks5h://127.0.0.1:${socks.port}`;
    configure(`{ host: web.example, exec: [sh, -c, "echo asked >> asked"], use: "${socket}" }`);
    try {
      await curl(
        ...['1', '2', '3'].flatMap((each) => ['-x', `http://127.0.0.1:${listener.port}`, url('web.example') + each]),
      );
      expect(readFileSync(join(folder.path, 'asked'), 'utf8')).to.equal('asked\n');
    } finally {
      writeFileSync(config, rules);
    }
  });

  it('carries TLS of a client', async () => {
    const words = CURL['CONNECT']?.(listener.port) ?? [];
    const { stdout, stderr } = await curl(
      ...words,
      '--cacert',
      join(folder.path, 'web.example.pem'),
      `https://web.example:${secure}/`,
    );
    expect([stdout, stderr]).to.deep.equal([PAGE, '']);
  });

  it('says why it did not connect: to the client, on stderr and for last-error', async () => {
    const { stdout } = await curl('--proxy', `http://127.0.0.1:${listener.port}`, url('closed.example'));
    expect(stdout).to.match(/^fdpass: \[unreachable\] closed\.example:\d+: rule 3 \(.*\): direct: .*refused/);
    expect(listener.output()).to.contain(stdout);
    const last = await fdpass(['last-error'], { env });
    expect(last.stdout).to.contain(stdout.replace(/^fdpass: \[unreachable\] /, '').trimEnd());
    const socks5 = await curl('--socks5-hostname', `127.0.0.1:${listener.port}`, url('closed.example'));
    expect([socks5.status, socks5.stderr]).to.satisfy(
      ([status, stderr]: [number, string]) => status === 97 && /\(5\)/.test(stderr),
      socks5.stderr,
    );
  });

  it('never connects by itself where a rule is wrong', async () => {
    const { stdout } = await curl('--proxy', `http://127.0.0.1:${listener.port}`, url('wrong.example'));
    expect(stdout).to.match(/^fdpass: \[config\] .*"?family/);
  });

  it('takes a changed configuration, and keeps the one from before if that is wrong', async () => {
    const before = readFileSync(config, 'utf8');
    try {
      configure(`{ host: new.example, use: { strategy: direct, host: 127.0.0.1, port: ${web} } }`);
      const ask = (): Promise<Finished> => curl('--proxy', `http://127.0.0.1:${listener.port}`, 'http://new.example/');
      expect((await ask()).stdout).to.equal(PAGE);
      writeFileSync(config, 'rules: [');
      expect((await ask()).stdout).to.equal(PAGE);
      expect(listener.output()).to.match(/fdpass: the configuration from before stays in use, since .*config\.yaml:1:/);
    } finally {
      writeFileSync(config, before);
    }
  });

  it('wants the password of --password-file', async () => {
    const file = join(folder.path, 'password');
    writeFileSync(file, 'me:hunter2\n', { mode: 0o600 });
    const guarded = await start('--password-file', file);
    try {
      const socksWith = (user: string): readonly string[] => [
        '--proxy',
        `socks5h://${user}@127.0.0.1:${guarded.port}`,
        url('other.example'),
      ];
      expect((await curl(...socksWith('me:hunter2'))).stdout).to.equal(PAGE);
      expect((await curl(...socksWith('me:other'))).status).to.equal(97);
      const httpWith = (...words: readonly string[]): Promise<Finished> =>
        curl('--proxy', `http://127.0.0.1:${guarded.port}`, ...words, url('other.example'));
      expect((await httpWith('--proxy-user', 'me:hunter2')).stdout).to.equal(PAGE);
      expect((await httpWith()).stdout).to.match(/wants a user name and a password/);
    } finally {
      await guarded.close();
    }
  });

  it('reports each connection with -v, and goes through --via', async () => {
    const verbose = await start('-v', '--via', `socks5h://127.0.0.1:${socks.port}`);
    try {
      await curl('--socks5-hostname', `127.0.0.1:${verbose.port}`, url('web.example'));
    } finally {
      await verbose.close();
    }
    expect(socks.asked.at(-1)).to.equal(`web.example:${web}`);
    expect(verbose.output()).to.match(/^#1 fdpass: .*SOCKS 5 client wants web\.example:\d+$/m);
    expect(verbose.output()).to.match(/^#1 fdpass: .*--via/m);
  });

  it('listens at several addresses, one of them a unix socket, says where, and ends on a signal', async function () {
    requirePeers(this, 'curl');
    const path = join(folder.path, 'proxy.sock');
    const { spawn } = await import('node:child_process');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = spawn(process.execPath, [FDPASS_BIN, 'listen', '--json', '-c', config, '127.0.0.1:0', path], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      for await (const chunk of child.stdout) {
        said += chunk;
        if (said.split('\n').length > 2) break;
      }
      const [tcp, unix] = said
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { listening: string }).listening);
      expect([tcp, unix]).to.deep.equal([tcp?.match(/^127\.0\.0\.1:\d+$/)?.[0], path]);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      const { stdout } = await curl('--proxy', `socks5h://localhost${path}`, url('other.example'));
      expect(stdout).to.equal(PAGE);
      const exited = new Promise((resolve) => child.once('exit', (...how) => resolve(how)));
      child.kill(signal);
      expect(await exited).to.deep.equal([0, null]);
      expect(statSync(path, { throwIfNoEntry: false })).to.equal(undefined);
    }
  });

  /** What it does not do, and why. */
  const REFUSED: Readonly<Record<string, readonly [args: () => readonly string[], status: number, why: RegExp]>> = {
    'an address of other machines': [
      () => ['0.0.0.0:0', '[::1]:0'],
      64,
      /other machines could use a proxy at 0\.0\.0\.0:0/,
    ],
    'such an address without a password': [() => ['--allow-remote', '0.0.0.0:0', '-v'], 64, /other machines could use/],
    'an address that is taken': [
      () => [`127.0.0.1:${listener.port}`, '-v'],
      69,
      /cannot listen at .*: address already in use/,
    ],
    'something that is not an address': [() => ['host.example'], 64, /this is not an address to listen on/],
    'a password file without a user': [() => ['--password-file', config], 78, /is not USER:PASSWORD/],
    'a configuration that is wrong': [() => ['-c', join(folder.path, 'nowhere.yaml')], 78, /nowhere\.yaml/],
  };
  for (const [what, [args, status, why]] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, async () => {
      const result = await fdpass(['listen', ...args()], { env });
      expect(result.stderr).to.match(why);
      expect(result.status).to.equal(status);
    });
  }
});
