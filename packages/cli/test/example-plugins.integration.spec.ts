import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { pathToFileURL } from 'node:url';
import {
  alternativeNames,
  type Finished,
  makeCertificate,
  markedProcesses,
  requirePeers,
  temporaryFolder,
  useSshd,
} from '@fdpass/test-lab';
import { startSocksProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { fdpass, proxyCommand } from './commands.spec.helper.js';
import { ROOT } from './doc-blocks.spec.helper.js';

const EXAMPLES = join(ROOT, 'examples/plugins');
const NAMES = readdirSync(EXAMPLES).filter((name) => /^[a-z-]+\.mjs$/.test(name));

/** The plugins of one file that authors can begin with, each where a user has it: alone in a folder, beside a config. */
describe('the example plugins', () => {
  const folder = temporaryFolder();
  const { sshd, env } = useSshd();
  after(() => folder.remove());

  const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8');
  const write = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(join(folder.path, name), text, { mode });
    return join(folder.path, name);
  };
  const serverOf = (name: string): Promise<Record<string, (place: object) => Promise<unknown>>> =>
    import(pathToFileURL(join(EXAMPLES, name)).href);

  before(() => {
    for (const name of NAMES) write(name, example(name));
    write('kubectl', example('kubectl'), 0o700);
  });

  function configFor(plugin: string, use: unknown): string {
    return write('config.yaml', `plugins: ["./${plugin}"]\nrules: [ { use: ${JSON.stringify(use)} } ]\n`);
  }

  /** Half a megabyte there and back through ssh and the plugin. */
  async function checkSession(config: string, target: object = {}): Promise<void> {
    const sent = randomBytes(500_000);
    const options = { ProxyCommand: proxyCommand('--config', config), ProxyUseFdpass: 'yes', ...target };
    const finished: Finished = await sshd().ssh('echo hello; cat', options, { env, input: sent });
    expect(finished.stderr).to.equal('');
    expect(finished.stdout.slice(0, 6)).to.equal('hello\n');
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(digest(Buffer.from(finished.stdout.slice(6), 'latin1'))).to.equal(digest(sent));
  }

  it('are three files of under 60 lines that import nothing but Node', () => {
    expect(NAMES).to.deep.equal(['knock.mjs', 'port-forward.mjs', 'websocket.mjs']);
    for (const name of NAMES) {
      expect(example(name).trimEnd().split('\n').length, name).to.be.below(60);
      for (const [, from] of example(name).matchAll(/^import .* from '(.*)'/gm)) expect(from).to.match(/^node:/);
    }
  });

  for (const name of NAMES) {
    it(`pass the compliance suite: ${name}`, async () => {
      const server = join(EXAMPLES, name.replace('.mjs', '.server.mjs'));
      const words = ['test-strategy', '--server', server, name];
      const { status, stdout, stderr } = await fdpass(words, { env, cwd: folder.path, timeoutMs: 100_000 });
      expect([status, stderr], stdout).to.deep.equal([0, '']);
      expect(stdout).to.match(/\n\d+ passed\n$/);
    });
  }

  it('websocket: ssh through a server of ws, directly, over TLS and behind a proxy', async function () {
    requirePeers(this, 'openssl');
    const { startTunnelServer } = (await import(pathToFileURL(join(ROOT, 'examples/ws-tunnel/server.js')).href)) as {
      startTunnelServer: () => Promise<{ port: number; close: () => Promise<void> }>;
    };
    const tunnel = await startTunnelServer();
    const socks = await startSocksProxy();
    mkdirSync(join(folder.path, 'tls'));
    const { cert, key } = makeCertificate(join(folder.path, 'tls'), 'tunnel', alternativeNames('DNS:localhost'));
    const tls = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (client) => {
      const far = connect(tunnel.port, '127.0.0.1').on('error', () => client.destroy());
      client
        .on('error', () => far.destroy())
        .pipe(far)
        .pipe(client);
    }).listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const { port } = tls.address() as AddressInfo;
    try {
      const plain = `ws://127.0.0.1:${tunnel.port}/ssh`;
      const secure = { strategy: 'websocket', url: `wss://localhost:${port}/ssh`, tls: { ca: './tls/tunnel.pem' } };
      await checkSession(configFor('websocket.mjs', plain));
      await checkSession(configFor('websocket.mjs', secure));
      await checkSession(configFor('websocket.mjs', [`socks5h://127.0.0.1:${socks.port}`, secure]));
      expect(socks.asked).to.deep.equal([`localhost:${port}`]);
      const untrusted = configFor('websocket.mjs', { ...secure, tls: {} });
      const refused = await fdpass(['--config', untrusted, '127.0.0.1', String(sshd().port)], { env });
      expect(refused.status).to.equal(77);
      expect(refused.stderr).to.match(/wss:\/\/localhost.*TLS with localhost failed: self.signed certificate/);
    } finally {
      await new Promise((resolve) => tls.close(resolve));
      await tunnel.close();
      await socks.close();
    }
  });

  it('websocket: says what a server answers that opens none', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const config = configFor('websocket.mjs', `ws://127.0.0.1:${port}/`);
    const { status, stderr } = await fdpass(['--config', config, '127.0.0.1', '22'], { env });
    server.closeAllConnections();
    server.close();
    expect(status).to.equal(65);
    expect(stderr).to.match(/^fdpass: .*ws:\/\/127\.0\.0\.1:\d+: .*opened no WebSocket: HTTP\/1\.1 404 Not Found\n$/);
  });

  it('knock: ssh to a port that opens after three knocks in the right order', async () => {
    const { startGate } = await serverOf('knock.server.mjs');
    const gate = (await startGate?.({ host: '127.0.0.1', port: sshd().port })) as {
      knocks: number[];
      ports: number[];
      target: { host: string; port: number };
      close: () => void;
    };
    const Port = gate.target.port;
    try {
      const { ports } = gate;
      const closed = await sshd().ssh('true', { Port }, { env });
      expect(closed.status).to.equal(255);
      await checkSession(configFor('knock.mjs', { knock: ports }), { Port });
      expect(gate.knocks).to.deep.equal([1, 2, 3]);
      const wrongOrder = configFor('knock.mjs', { strategy: 'knock', ports: [...ports].reverse(), pauseMs: 10 });
      const options = { ProxyCommand: proxyCommand('--config', wrongOrder), ProxyUseFdpass: 'yes', Port };
      expect((await sshd().ssh('true', options, { env })).status).to.equal(255);
      const { stderr } = await fdpass(['check', '--config', configFor('knock.mjs', { knock: 'all' })], { env });
      expect(stderr).to.match(/"ports" must be a list of numbers/);
    } finally {
      gate.close();
    }
  });

  describe('port-forward', () => {
    const use = (to: string): unknown => ({ strategy: 'port-forward', to, kubectl: './kubectl' });

    it('ssh through a port that a program opens, and that ends with the session', () =>
      checkSession(configFor('port-forward.mjs', use('pod/build-1'))));

    it('says what the program said if it fails', async () => {
      const config = configFor('port-forward.mjs', use('pod/none'));
      const { status, stderr } = await fdpass(['--config', config, '127.0.0.1', '22'], { env });
      expect(status).to.equal(69);
      expect(stderr).to.match(/^fdpass: .*port-forward: .*status 1.*: Error from server \(NotFound\): pods "none"/m);
    });

    it('leaves no program behind, even if the process that relays is killed', async () => {
      const config = configFor('port-forward.mjs', use('pod/build-1'));
      const more = { ProxyCommand: proxyCommand('--config', config), ProxyUseFdpass: 'yes', Port: sshd().port };
      const words = [...sshd().options(more), 'localhost', 'echo ready; sleep 60'];
      const ssh = spawn('ssh', words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = once(ssh, 'close');
      await once(ssh.stdout, 'data');
      const marker = Object.values(env).find((value) => /^[0-9a-f-]{36}$/.test(value ?? '')) ?? '';
      const running = markedProcesses(marker);
      expect(running.filter((entry) => entry.includes('kubectl'))).to.not.deep.equal([]);
      const relays = running.filter((entry) => entry.includes('--detached-relay'));
      expect(relays).to.have.lengthOf(1);
      process.kill(Number.parseInt(relays[0] ?? '', 10), 'SIGKILL');
      await ended;
    });
  });
});
