import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import {
  alternativeNames,
  type Background,
  expectNoneLeft,
  makeCertificate,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  startServer,
  startSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { fdpass, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';

const SIZE = 3 * 1024 * 1024;
const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/** A name that only the proxy can resolve: whoever reaches it has gone through it. */
const BASTION = 'bastion.invalid';

/** Jump hosts behind other hops: each ssh in the chain reaches its host through the hops before it. */
describe('ssh through hops before a jump host', () => {
  const { env: mark, marker } = markedEnvironment();
  const servers: Sshd[] = [];
  let env: NodeJS.ProcessEnv;
  let folder: string;
  let proxy: Server;
  let tls: TcpServer;
  let asked: string[];
  let microsocks: Background | undefined;

  before(async function () {
    const peers = requirePeers(this, 'ssh', 'sshd', 'microsocks', 'openssl');
    for (let i = 0; i < 3; i++) servers.push(await startSshd());
    folder = first().folder;
    proxy = createServer().on('connect', (request, client) => {
      asked.push(request.url ?? '');
      if (request.url !== `${BASTION}:22`) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const far = connect({ host: '127.0.0.1', port: first().port, allowHalfOpen: true }, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(far).pipe(client);
      });
      far.on('error', () => client.destroy());
      client.on('error', () => far.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    tls = startTlsFront(folder, portOf(proxy));
    await once(tls, 'listening');
    microsocks = await startServer(peers['microsocks'] ?? '', (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    mkdirSync(join(folder, 'tmp'));
    env = { ...NO_CONFIG, ...mark, TMPDIR: join(folder, 'tmp') };
    writeFileSync(join(folder, 'jump_config'), jumpConfig(), { mode: 0o600 });
  });
  after(async () => {
    proxy?.close();
    tls?.close();
    await microsocks?.close();
    await Promise.all(servers.map((server) => server.close()));
  });
  beforeEach(() => {
    asked = [];
  });
  afterEach(async () => {
    await expectNoneLeft(() => markedProcesses(marker));
    expect(readdirSync(join(folder, 'tmp'))).to.deep.equal([]); // the sockets for the inner ssh
  });

  const first = (): Sshd => servers[0] as Sshd;
  const target = (): Sshd => servers[2] as Sshd;
  const portOf = (server: TcpServer): number => (server.address() as AddressInfo).port;

  /** What the inner ssh knows of the jump hosts: only it can find out the names and ports behind these aliases. */
  function jumpConfig(): string {
    const [first, second] = servers as [Sshd, Sshd];
    const more = { ProxyJump: 'nobody@nowhere.invalid' };
    return first.configBlock('jump1', { HostName: BASTION, Port: 22, ...more }) + second.configBlock('jump2', more);
  }

  /** A config with one rule, beside jump_config. */
  function writeRule(use: unknown): string {
    const file = join(folder, 'fdpass.json');
    writeFileSync(file, JSON.stringify({ hops: { corp: corp() }, rules: [{ use }] }), { mode: 0o600 });
    return proxyCommand('--config', file);
  }

  const corp = (): string => `http://127.0.0.1:${portOf(proxy)}`;
  const jump = (...hosts: readonly string[]) => ({
    strategy: 'jump',
    hosts,
    sshOptions: ['-F', 'jump_config'],
    patience: '20s',
  });

  /** Where ssh is to go: through the jump hosts everything is on loopback. */
  const options = (command: string, usesFdpass = true) => ({
    ProxyCommand: command,
    ProxyUseFdpass: usesFdpass ? 'yes' : 'no',
  });

  const data = randomBytes(SIZE).toString('latin1');
  async function expectData(command: string, usesFdpass?: boolean): Promise<void> {
    const { status, stdout, stderr } = await target().ssh('cat', options(command, usesFdpass), {
      env,
      host: '127.0.0.1',
      input: Buffer.from(data, 'latin1'),
    });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(digest(stdout)).to.equal(digest(data));
  }

  for (const usesFdpass of [true, false]) {
    it(`an HTTP proxy: 3 MB each way, ${usesFdpass ? 'over a descriptor' : 'by a relay'}`, async () => {
      await expectData(writeRule(['corp', jump('jump1')]), usesFdpass);
      expect(asked).to.deep.equal([`${BASTION}:22`]);
    });
  }

  it('a SOCKS proxy, and what ssh_config says of an alias', async () => {
    const socks = `socks5h://127.0.0.1:${microsocks?.port}`;
    await expectData(writeRule([socks, 'corp', jump('jump1')]));
    expect(asked).to.deep.equal([`${BASTION}:22`]);
  });

  it('two jump hosts in one hop, and in two', async () => {
    for (const use of [
      ['corp', jump('jump1', 'jump2')],
      ['corp', jump('jump1'), jump('jump2')],
    ]) {
      asked = [];
      await expectData(writeRule(use));
      expect(asked).to.deep.equal([`${BASTION}:22`]);
    }
  });

  it('a proxy over TLS, whose relay goes on as long as the session', async () => {
    const secure = { strategy: 'http-connect', url: `https://127.0.0.1:${portOf(tls)}`, tls: { ca: 'front.pem' } };
    for (const usesFdpass of [true, false]) {
      await expectData(writeRule([secure, jump('jump1')]), usesFdpass);
    }
  });

  it('that refuse: the error is theirs, not the words of ssh', async () => {
    const { status, stderr } = await target().ssh('true', options(writeRule(['corp', jump('unknown.invalid')])), {
      env,
      host: '127.0.0.1',
    });
    expect(status).to.equal(255);
    expect(stderr)
      .to.match(/fdpass: \[permission\] 127\.0\.0\.1:\d+: rule 1 .*: corp \(http:[^)]*\): .*403/)
      .and.not.match(/"ssh" ended/);
  });

  it('nothing is left when the outer ssh is killed, at any moment', async () => {
    const command = writeRule(['corp', jump('jump1')]);
    for (let moment = 0; moment < 6; moment++) {
      const args = [...target().options(options(command)), `${target().user}@127.0.0.1`, 'echo ready; cat'];
      const ssh = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
      const ended = once(ssh, 'exit');
      if (moment < 5) await processes(moment, ssh);
      else if (ssh.stdout !== null) await once(ssh.stdout, 'data');
      ssh.kill('SIGKILL');
      await ended;
      await expectNoneLeft(() => markedProcesses(marker));
    }
  });

  describe('that would reach themselves through themselves', () => {
    /** The inner ssh runs fdpass by the same rules, as under a "Host *" with a ProxyCommand. */
    function writeLoop(use: object, rules: readonly object[] = []): string {
      const file = join(folder, 'loop.json');
      writeFileSync(file, JSON.stringify({ rules: [...rules, { host: '*', use }] }), { mode: 0o600 });
      const inner = `Host *\n  ProxyUseFdpass yes\n  ProxyCommand ${proxyCommand('--config', file)}\n`;
      writeFileSync(join(folder, 'loop_config'), `${jumpConfig().replaceAll('ProxyJump', '#')}${inner}`, {
        mode: 0o600,
      });
      return file;
    }
    const use = { ...jump('jump1'), sshOptions: ['-F', 'loop_config'] };

    for (const [what, loop] of [
      ['jump', use],
      [
        'command',
        { strategy: 'command', command: ['ssh', '-F', 'loop_config', '-W', '%h:%p', 'jump1'], patience: '20s' },
      ],
    ] as const) {
      it(`${what}: end at the second entry, and each fdpass on the way says why`, async () => {
        const { status, stderr } = await fdpass(['--stdio', '-c', writeLoop(loop), 'host.example', '22'], { env });
        expect(status).to.equal(78);
        expect(stderr.trim().split('\n').at(-1)).to.match(
          /^fdpass: \[config\] host\.example:22: rule 1 \(.*loop\.json:1:\d+\): \w+: to reach bastion\.invalid:22 it runs "ssh", which asks fdpass for bastion\.invalid:22 again, without end; add a rule for that host above this one/,
        );
        expect(stderr.match(/again, without end/g)).to.have.length.lessThan(5);
      });
    }

    it('do what the error says', async () => {
      const direct = { host: BASTION, use: { strategy: 'direct', host: '127.0.0.1', port: first().port } };
      await expectData(proxyCommand('--config', writeLoop(use, [direct])));
    });
  });

  async function processes(count: number, ssh: ChildProcess): Promise<void> {
    while (markedProcesses(marker).length < count && ssh.exitCode === null) await new Promise(setImmediate);
  }
});

/** TLS in front of a plain proxy, with a certificate of its own authority. */
function startTlsFront(folder: string, proxyPort: number): TcpServer {
  const files = makeCertificate(folder, 'front', alternativeNames('IP:127.0.0.1'));
  const certificate = { key: readFileSync(files.key), cert: readFileSync(files.cert) };
  return createTlsServer(certificate, (client) => {
    const far = connect(proxyPort, '127.0.0.1');
    client.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => client.destroy()).pipe(client);
  }).listen(0, '127.0.0.1');
}
