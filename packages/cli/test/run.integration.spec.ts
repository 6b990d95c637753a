import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  expectNoneMarked,
  type Finished,
  markedEnvironment,
  type RunOptions,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** What nobody has set for the command. */
const UNSET = Object.fromEntries(
  ['all', 'http', 'https', 'ftp', 'no'].flatMap((name) =>
    [`${name}_proxy`, `${name}_proxy`.toUpperCase()].map((variable) => [variable, undefined]),
  ),
);

describe('fdpass run', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const env = { ...mark, ...UNSET, NODE_OPTIONS: undefined };
  const config = join(folder.path, 'config.yaml');
  let server: Server;
  let socks: TestProxy;
  let web: number;

  const runs = (words: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    fdpass(['run', '-c', config, ...words], { ...options, env: { ...env, ...options.env } });
  const node = (script: string): readonly string[] => [process.execPath, '--input-type=module', '-e', script];

  before(async () => {
    server = createServer(({ headers }, response) => response.end(`the page of ${headers.host}`));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    web = (server.address() as AddressInfo).port;
    socks = await startSocksProxy({ hosts: { 'web.example': '127.0.0.1', 'other.example': '127.0.0.1' } });
    writeFileSync(config, `rules: [{ host: "*.example", use: "socks5h://127.0.0.1:${socks.port}" }]\n`, {
      mode: 0o600,
    });
  });
  afterEach(async () => {
    await expectNoneMarked(marker);
  });
  after(async () => {
    server?.close();
    await socks?.close();
    folder.remove();
  });

  it('tells a command of its proxy, in both cases, and of nothing that was set before', async () => {
    const before = { ALL_PROXY: 'http://stale', no_proxy: '*', ftp_proxy: 'stale', FTP_PROXY: 'stale' };
    const { stdout } = await runs(['env'], { env: before });
    const variables = Object.fromEntries(
      stdout
        .split('\n')
        .filter((line) => /_proxy=|^FDPASS_(LISTENER|CONFIG|VIA)=/i.test(line))
        .map((line) => line.split(/=(.*)/, 2)),
    ) as Record<string, string>;
    const address = variables['FDPASS_LISTENER'] ?? '';
    expect(address).to.match(/^127\.0\.0\.1:\d+$/);
    const [, password = ''] = /^socks5h:\/\/fdpass:([\w-]{32})@/.exec(variables['ALL_PROXY'] ?? '') ?? [];
    const proxy = `fdpass:${password}@${address}`;
    const wanted: Record<string, string> = {
      ALL_PROXY: `socks5h://${proxy}`,
      HTTP_PROXY: `http://${proxy}`,
      HTTPS_PROXY: `http://${proxy}`,
      NO_PROXY: 'localhost,127.0.0.1,::1',
    };
    expect(variables).to.deep.equal({
      ...wanted,
      ...Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name.toLowerCase(), value])),
      FDPASS_LISTENER: address,
      FDPASS_CONFIG: config,
    });
  });

  it('connects by the rules for programs that know proxies', async function () {
    requirePeers(this, 'curl');
    const urls = ['web', 'other'].map((name) => `http://${name}.example:${web}/`);
    const [plain, tunnel] = await Promise.all([
      runs(['--', 'curl', '-sS', ...urls]),
      runs(['--', 'env', '-u', 'http_proxy', 'curl', '-sS', ...urls]), // so ALL_PROXY is left
    ]);
    for (const { stdout, stderr } of [plain, tunnel])
      expect([stdout, stderr]).to.deep.equal([`the page of web.example:${web}the page of other.example:${web}`, '']);
    expect(socks.asked.slice(-4).sort()).to.deep.equal(
      ['other', 'other', 'web', 'web'].map((name) => `${name}.example:${web}`),
    );
  });

  /** Each fetches the page by its own variables. */
  const CLIENTS: Readonly<Record<string, readonly string[]>> = {
    wget: ['wget', '-nv', '-O', '-'],
    python3: ['python3', '-c', 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())'],
  };
  for (const [name, words] of Object.entries(CLIENTS)) {
    it(`tells ${name} the password`, async function () {
      requirePeers(this, name);
      const { stdout } = await runs(['--', ...words, `http://web.example:${web}/`]);
      expect(stdout.trim()).to.equal(`the page of web.example:${web}`);
    });
  }

  it('serves nobody without the password, unless that is wanted', async function () {
    requirePeers(this, 'curl');
    const stranger = `curl -sS -o /dev/null -w '%{http_code} ' -x "http://$FDPASS_LISTENER" http://web.example:${web}/
      curl -s -o /dev/null -w '%{http_code}' -x "socks5h://$FDPASS_LISTENER" http://web.example:${web}/`;
    const [closed, open] = await Promise.all([
      runs(['sh', '-c', stranger]),
      runs(['--no-password', 'sh', '-c', stranger]),
    ]);
    expect([closed.stdout, open.stdout]).to.deep.equal(['407 000', '200 200']);
  });

  it('connects by the rules for Node programs that know none, and not twice for those that do', async () => {
    const direct = `console.log(await (await fetch('http://web.example:${web}/')).text());`;
    const proxied = `import { request } from 'node:http';
      const { hostname, port, username, password } = new URL(process.env.HTTP_PROXY);
      const authorization = 'Basic ' + Buffer.from(username + ':' + password).toString('base64');
      const headers = { host: 'other.example', 'proxy-authorization': authorization };
      request({ hostname, port, path: 'http://other.example:${web}/', headers },
        (answer) => answer.pipe(process.stdout)).end();`;
    const before = socks.asked.length;
    // Through a rule for everything, the way to the proxy would lead to another one.
    const all = join(folder.path, 'all.yaml');
    writeFileSync(all, `rules: [{ use: "socks5h://127.0.0.1:${socks.port}" }]\n`, { mode: 0o600 });
    for (const script of [direct, proxied]) {
      const { stdout, stderr } = await fdpass(['run', '-c', all, ...node(script)], { env });
      expect([stdout.trim().split(':')[0], stderr]).to.deep.equal([
        script === direct ? 'the page of web.example' : 'the page of other.example',
        '',
      ]);
    }
    expect(socks.asked.slice(before)).to.deep.equal([`web.example:${web}`, `other.example:${web}`]);
  });

  it('leaves a Node alone that is too old for that', async () => {
    const old = join(folder.path, 'old.cjs');
    writeFileSync(old, "Object.defineProperty(process.features, 'require_module', { value: undefined });");
    const script = 'import net from "node:net"; console.log(net.Socket.prototype.connect.toString().includes("Dial"));';
    const show = async (options?: string): Promise<string> =>
      (await run(FDPASS_BIN, ['run', ...node(script)], { env: { ...NO_CONFIG, ...env, NODE_OPTIONS: options } }))
        .stdout;
    expect(await Promise.all([show(), show(`--require ${old}`)])).to.deep.equal(['true\n', 'false\n']);
  });

  it('leaves to a Node program how its files are loaded', async () => {
    const hook = join(folder.path, 'hook.cjs');
    writeFileSync(hook, "require.extensions['.shout'] = (module) => module._compile('console.log(\"loaded\")', '');");
    const program = join(folder.path, 'program.shout');
    writeFileSync(program, 'HELLO');
    const { stdout, stderr } = await runs([process.execPath, '--require', hook, program]);
    expect([stdout, stderr]).to.deep.equal(['loaded\n', '']);
  });

  it('goes through --via, and so does an fdpass or a Node that the command runs', async () => {
    const via = `socks5h://127.0.0.1:${socks.port}`;
    const before = socks.asked.length;
    const ask = `printf 'GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' | '${process.execPath}' '${FDPASS_BIN}' web.example ${web} | tail -n 1`;
    const fetched = node(`console.log(await (await fetch('http://other.example:${web}/')).text());`);
    const own = await fdpass(['run', '--via', via, 'sh', '-c', ask], { env });
    const nodes = await fdpass(['run', '--via', via, ...fetched], { env });
    expect([own.stdout, own.stderr]).to.deep.equal(['the page of x', '']);
    expect([nodes.stdout, nodes.stderr]).to.deep.equal([`the page of other.example:${web}\n`, '']);
    expect(socks.asked.slice(before)).to.deep.equal([`web.example:${web}`, `other.example:${web}`]);
  });

  it('gives a command its own standard streams, and its status', async () => {
    const { stdout, stderr, status } = await runs(['--', 'sh', '-c', 'cat; echo problem >&2; exit 7', '--help'], {
      input: 'from stdin',
    });
    expect([stdout, stderr, status]).to.deep.equal(['from stdin', 'problem\n', 7]);
  });

  it("adds to the user's own NODE_OPTIONS", async () => {
    const { stdout } = await runs(['sh', '-c', 'echo "$NODE_OPTIONS"'], { env: { NODE_OPTIONS: '--no-warnings' } });
    expect(stdout).to.match(/^--no-warnings --require=\/\S+\/register-if-able\.cjs\n$/);
  });

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
    it(`passes ${signal} on, and ends as the command does`, async () => {
      const trap = `process.on('${signal}', () => process.exit(9)); setInterval(() => console.log('ready'), 10)`;
      for (const [words, end] of [
        [node(trap), [9, null]],
        [
          ['sh', '-c', 'ulimit -c 0; echo ready; exec sleep 60'],
          [null, signal],
        ],
      ] as const) {
        const child = spawn(process.execPath, [FDPASS_BIN, 'run', ...words], {
          env: { ...process.env, ...NO_CONFIG, ...env },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exited = once(child, 'exit');
        await once(child.stdout, 'data');
        child.kill(signal);
        expect(await exited).to.deep.equal(end);
      }
    });
  }

  it('leaves an interrupt from the terminal to the terminal, which has sent it to the command too', async function () {
    requirePeers(this, 'script', 'curl');
    // After an answer of the proxy, fdpass has seen the interrupt too.
    const answered = 'curl -s --noproxy "" http://127.0.0.1:1/ >&2';
    const script = `n=0; trap 'n=$((n+1))' INT; echo ready; while ! read -r line; do :; done; ${answered}; echo "got $n"`;
    writeFileSync(join(folder.path, 'count.sh'), script);
    const line = `'${process.execPath}' '${FDPASS_BIN}' run sh '${join(folder.path, 'count.sh')}' 2>/dev/null`;
    const child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...process.env, ...NO_CONFIG, ...env } });
    let said = '';
    let isInterrupted = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (isInterrupted || !said.includes('ready')) return;
      isInterrupted = true;
      child.stdin.write('\x03\n');
    });
    await once(child, 'close');
    child.stdin.destroy();
    expect(said).to.match(/got 1\r\n/);
  });

  /** What it does not run, and why. */
  const REFUSED: Readonly<Record<string, readonly [args: readonly string[], status: number, why: RegExp]>> = {
    'without a command': [['--'], 64, /the command is missing/],
    'a command that is not there': [['no-such-command'], 64, /cannot run the command: no such file or directory/],
    'a command with an empty name': [[''], 64, /cannot run the command: its name is empty/],
    'with a configuration that is wrong': [['-c', '/nowhere.yaml', 'echo', 'ran'], 78, /nowhere\.yaml/],
  };
  for (const [what, [args, status, why]] of Object.entries(REFUSED)) {
    it(`does not run ${what}`, async () => {
      const ended = await fdpass(['run', ...args], { env });
      expect([ended.stdout, ended.status]).to.deep.equal(['', status]);
      expect(ended.stderr)
        .to.match(why)
        .and.match(/^fdpass: [^\n]+\n$/);
    });
  }
});
