import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { AgentStatus } from '@fdpass/agent';
import {
  expectNoneLeft,
  expectNoneMarked,
  type Finished,
  freePort,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** An agent that is the proxy of `fdpass listen`, too. */
describe('an agent with --listen', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const { env: mark, marker } = markedEnvironment();
  const env: NodeJS.ProcessEnv = {
    ...NO_CONFIG,
    ...mark,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    XDG_RUNTIME_DIR: folder.path,
    XDG_CONFIG_HOME: at('home'),
    FDPASS_AGENT: '',
  };
  let server: ScriptedServer;
  let socks: TestProxy;
  let port: number;

  const agent = (...args: readonly string[]): Promise<Finished> =>
    run(FDPASS_BIN, ['agent', ...args], { env, cwd: folder.path });
  async function succeed(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await agent(...args);
    expect([status, stderr]).to.deep.equal([0, '']);
    return stdout;
  }
  const agentStatus = async (): Promise<AgentStatus> => JSON.parse(await succeed('status', '--json')) as AgentStatus;
  const ask = async (...proxy: readonly string[]): Promise<string> =>
    (await run('curl', ['-sS', '--noproxy', '', ...proxy, `http://inside.example:${server.port}/`])).stdout;

  before(async function () {
    requirePeers(this, 'curl');
    server = await startScriptedServer(async (line) => {
      await line.takeThrough('\r\n\r\n');
      line.socket.end('HTTP/1.0 200 OK\r\n\r\nthe page');
    });
    socks = await startSocksProxy({ hosts: { 'inside.example': '127.0.0.1' } });
    mkdirSync(at('home/fdpass'), { recursive: true });
    const rules = `rules: [{ host: inside.example, use: "socks5h://127.0.0.1:${socks.port}" }]\n`;
    writeFileSync(at('home/fdpass/config.yaml'), rules, { mode: 0o600 });
    port = await freePort();
  });
  afterEach(async () => {
    await agent('stop');
    await expectNoneMarked(marker);
  });
  after(async () => {
    await server?.close();
    await socks?.close();
    folder.remove();
  });

  it('connects by the rules for clients of a port and of a unix socket', async () => {
    await succeed('start', '--listen', `127.0.0.1:${port}`, '--listen', './proxy.sock');
    const ways = [
      ['--socks5-hostname', `127.0.0.1:${port}`],
      ['-x', `http://127.0.0.1:${port}`],
      ['-x', `socks5h://localhost${at('proxy.sock')}`],
    ];
    const before = socks.asked.length;
    for (const way of ways) expect(await ask(...way)).to.equal('the page');
    expect(socks.asked.slice(before)).to.deep.equal(ways.map(() => `inside.example:${server.port}`));
    expect(await succeed('status')).to.match(
      new RegExp(`^proxy    127\\.0\\.0\\.1:${port} \\(SOCKS and HTTP\\)\nproxy    ${at('proxy.sock')} `, 'm'),
    );
  });

  it('listens on at the same places after "reload"', async () => {
    await succeed('start', '--listen', `127.0.0.1:${port}`);
    const { pid } = await agentStatus();
    await succeed('reload');
    const now = await agentStatus();
    expect(now.listening).to.deep.equal([`127.0.0.1:${port}`]);
    expect(now.pid).to.not.equal(pid);
    expect(await ask('--socks5-hostname', `127.0.0.1:${port}`)).to.equal('the page');
  });

  it('does not end by itself, and listens no longer after "stop"', async () => {
    await succeed('start', '--idle', '1ms', '--listen', `127.0.0.1:${port}`);
    expect(await ask('--socks5-hostname', `127.0.0.1:${port}`)).to.equal('the page');
    await succeed('stop');
    await expectNoneLeft(() => markedProcesses(marker));
    expect(await ask('--socks5-hostname', `127.0.0.1:${port}`)).to.equal('');
  });

  it('does not start where it cannot listen', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    try {
      const { status, stderr } = await agent('start', '--listen', `127.0.0.1:${port}`);
      expect([status, stderr]).to.satisfy(
        ([code, text]: [number, string]) =>
          code === 69 && /the agent did not start: cannot listen at .*: address already in use; end what/.test(text),
        stderr,
      );
    } finally {
      other.close();
    }
  });

  for (const [what, address, why] of [
    [
      'an address of other machines',
      '0.0.0.0:1080',
      /an agent does not listen where other machines can connect, as on 0\.0\.0\.0:1080/,
    ],
    ['something that is not an address', 'host.example', /this is not an address to listen on/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { status, stderr } = await agent('start', '--listen', address);
      expect(status).to.equal(64);
      expect(stderr).to.match(why);
    });
  }
});
