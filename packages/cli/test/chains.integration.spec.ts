import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Background,
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  startServer,
  startSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** Chains of real proxies, three deep and mixed, to a real sshd. */
describe('ssh through chains', () => {
  const { env: mark, marker } = markedEnvironment();
  const env = { ...NO_CONFIG, ...mark };
  const running: Background[] = [];
  let sshd: Sshd;
  let urls: Readonly<Record<'socks' | 'http' | 'ssh', string>>;

  before(async function () {
    const { microsocks = '', tinyproxy = '', ssh = '' } = requirePeers(this, 'ssh', 'sshd', 'microsocks', 'tinyproxy');
    sshd = await startSshd();
    const socks = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    running.push(socks);
    const http = await startServer(tinyproxy, (port) => {
      const file = join(sshd.folder, 'tinyproxy.conf');
      writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\n`);
      return ['-d', '-c', file];
    });
    running.push(http);
    const dynamic = await startServer(ssh, (port) => [
      ...sshd.options(),
      '-N',
      '-D',
      `127.0.0.1:${port}`,
      `${sshd.user}@127.0.0.1`,
    ]);
    running.push(dynamic);
    urls = {
      socks: `socks5h://127.0.0.1:${socks.port}`,
      http: `http://127.0.0.1:${http.port}`,
      ssh: `socks4a://127.0.0.1:${dynamic.port}`,
    };
  });
  after(async () => {
    for (const server of running) await server.close();
    await sshd?.close();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  const chains: readonly (readonly ('socks' | 'http' | 'ssh')[])[] = [
    ['socks', 'http', 'ssh'],
    ['http', 'ssh', 'socks'],
    ['ssh', 'socks', 'http'],
    ['socks', 'socks', 'ssh', 'http'],
  ];
  for (const chain of chains) {
    it(`${chain.join(' -> ')}: one descriptor, and not a byte is lost`, async () => {
      const via = chain.flatMap((hop) => ['--via', urls[hop]]);
      const words = [process.execPath, FDPASS_BIN, ...via].map((word) => `'${word}'`).join(' ');
      const options = { ProxyCommand: `${words} %h %p`, ProxyUseFdpass: 'yes' };
      const { status, stdout, stderr } = await sshd.ssh('cat', options, {
        env,
        host: '127.0.0.1',
        input: 'through all of them',
      });
      expect([status, stdout, stderr]).to.deep.equal([0, 'through all of them', '']);
    });
  }

  it('as a rule writes them, named hops and all', async () => {
    const file = join(sshd.folder, 'chain.yaml');
    writeFileSync(
      file,
      `hops: { near: "${urls.socks}", far: "${urls.http}" }\nrules: [ { use: [direct, near, far] } ]\n`,
      { mode: 0o600 },
    );
    const command = `'${process.execPath}' '${FDPASS_BIN}' -c '${file}' %h %p`;
    const { status, stdout } = await sshd.ssh(
      'echo by rule',
      { ProxyCommand: command, ProxyUseFdpass: 'yes' },
      { env, host: '127.0.0.1' },
    );
    expect([status, stdout]).to.deep.equal([0, 'by rule\n']);
  });

  it('names the hop that fails', async () => {
    const { status, stderr } = await fdpass([
      '--via',
      urls.socks,
      '--via',
      'http://127.0.0.1:1',
      '127.0.0.1',
      String(sshd.port),
    ]);
    expect(status).to.equal(69);
    expect(stderr).to.match(
      /^fdpass: \[unreachable\] 127\.0\.0\.1:\d+: --via: socks5h:\/\/127\.0\.0\.1:\d+: the proxy answered: .*\n$/,
    );
  });
});
