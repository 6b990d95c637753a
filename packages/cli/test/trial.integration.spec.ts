import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScreen, requirePeers, temporaryFolder } from '@fdpass/test-lab';
import {
  refusedPort,
  type ScriptedServer,
  startScriptedServer,
  startSocksProxy,
  type TestProxy,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

const ASCII = { LANG: 'C', LC_ALL: undefined, LC_CTYPE: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };

describe('fdpass test', () => {
  const home = temporaryFolder();
  const servers: ScriptedServer[] = [];
  let proxy: TestProxy;
  let config: string;
  let closed: number;
  const port = (at: number): number => servers[at]?.port ?? 0;

  before(async () => {
    servers.push(
      await startScriptedServer((line) => line.send('SSH-2.0-one\r\n')),
      await startScriptedServer((line) => line.send('220 mail.example ESMTP\r\n')),
      await startScriptedServer((line) => line.send('hello there\r\n')),
    );
    proxy = await startSocksProxy();
    closed = await refusedPort();
    config = join(home.path, 'config.yaml');
    const lines = [
      `hops: { corp: "socks5h://127.0.0.1:${proxy.port}", gone: "socks5h://127.0.0.1:${closed}", spare: direct }`,
      'rules:',
      '  - { alias: far, use: gone }',
      '  - { host: 127.0.0.1, use: corp }',
    ];
    writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  });
  after(async () => {
    for (const server of servers) await server.close();
    await proxy?.close();
    home.remove();
  });

  it('shows route, time and greeting of all hosts that answer, whatever they speak', async () => {
    const hosts = [0, 1, 2].map((at) => `127.0.0.1:${port(at)}`);
    const { status, stdout, stderr } = await fdpass(['test', '-c', config, ...hosts], { env: ASCII });
    const label = `corp (socks5h://127.0.0.1:${proxy.port})`;
    expect(
      stdout
        .replaceAll(/ +\d+ ms$/gm, ' N ms')
        .replaceAll(/ +\d+ ms +/g, ' N ms  ') // times of one digit and of two stand in one column
        .replaceAll(/ +- +/g, ' - ')
        .trimEnd()
        .split('\n'),
    ).to.deep.equal([
      `+  ${hosts[0]}  ${label} N ms  SSH-2.0-one`,
      `+  ${hosts[1]}  ${label} N ms  220 mail.example ESMTP (SMTP)`,
      `+  ${hosts[2]}  ${label} N ms  hello there (not ssh)`,
      '',
      'hops',
      `+  ${label} N ms`,
      '-  gone - was not needed for these hosts',
      '-  spare - was not needed for these hosts',
    ]);
    expect([status, stderr]).to.deep.equal([0, '']);
  });

  it('shows the reason of those that do not, ends with 69, and a hop that leads somewhere is not to blame', async () => {
    const { status, stdout } = await fdpass(['test', '-c', config, `127.0.0.1:${closed}`, `127.0.0.1:${port(0)}`], {
      env: ASCII,
    });
    expect(status).to.equal(69);
    expect(stdout).to.match(/^x {2}127\.0\.0\.1:\d+ .* - .*: the target refused or is unreachable/m);
    expect(stdout).to.match(/^\+ {2}127\.0\.0\.1:\d+ .*SSH-2\.0-one$/m);
    expect(stdout).to.match(/\nhops\n\+ {2}corp /);
  });

  it('takes the hosts of ssh that have a rule', async () => {
    mkdirSync(join(home.path, '.ssh'));
    const block = `Host far\n  HostName far.example\nHost near\n  HostName 127.0.0.1\n  Port ${port(0)}\nHost none.example\n  Port 1\n`;
    writeFileSync(join(home.path, '.ssh', 'config'), block);
    const env = { ...ASCII, HOME: home.path };
    const { status, stdout } = await fdpass(['test', '--json', '-c', config], { env });
    const answer = JSON.parse(stdout) as {
      exitStatus: number;
      hosts: { name: string; error: { code: string } | null; greeting: object | null }[];
      hops: { hop: string; state: string }[];
    };
    expect([status, answer.exitStatus]).to.deep.equal([69, 69]);
    expect(answer.hosts.map(({ name, error, greeting }) => [name, error?.code, greeting])).to.deep.equal([
      ['far (far.example:22)', 'unreachable', null],
      [`near (127.0.0.1:${port(0)})`, undefined, { protocol: 'SSH', text: 'SSH-2.0-one' }],
    ]);
    const states = Object.fromEntries(answer.hops.map(({ hop, state }) => [hop.split(' ')[0], state]));
    expect(states).to.deep.equal({ gone: 'failed', corp: 'done', spare: 'unused' });
  });

  it('says that there is nothing to test', async () => {
    const { status, stderr } = await fdpass(['test', '-c', config], { env: { HOME: join(home.path, 'empty') } });
    expect([status, stderr]).to.deep.equal([
      64,
      'fdpass: [usage] no host of ~/.ssh/config or ~/.ssh/known_hosts has a rule; name the hosts to test: fdpass test HOST ...\n',
    ]);
  });

  it('shows on a terminal how far it is, and nothing of that is left', async function () {
    requirePeers(this, 'tmux', 'dash');
    let greet = (): void => {};
    const asked = new Promise<void>((resolve) => {
      greet = resolve;
    });
    const late = await startScriptedServer(async (line) => {
      await asked;
      await line.send('SSH-2.0-late\r\n');
    });
    const screen = await openScreen({ columns: 120, rows: 20 }, { ...NO_CONFIG, ...ASCII });
    try {
      const hosts = `127.0.0.1:${late.port} 127.0.0.1:${port(0)}`;
      await screen.type(`clear; '${process.execPath}' '${FDPASS_BIN}' test -c '${config}' ${hosts}`);
      await screen.until(/1 of 2 hosts tested/);
      greet();
      const text = await screen.until(/SSH-2\.0-late.*\$$/s);
      expect(text).to.not.contain('tested');
    } finally {
      await screen.close();
      await late.close();
    }
  });
});
