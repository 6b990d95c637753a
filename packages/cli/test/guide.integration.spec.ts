import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  expectNoneLeft,
  type Finished,
  freePort,
  killMarked,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  type Sshd,
  startSshd,
} from '@fdpass/test-lab';
import { startHttpProxy, startSocksProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { blocksOf, ROOT } from './doc-blocks.spec.helper.js';
import { FIRST_STEPS, requireDocLab, runSession, sessionOf, shownOf } from './doc-sessions.spec.helper.js';
import { useInstalled } from './installed.spec.helper.js';
import { installedEnv } from './packed.spec.helper.js';

const GUIDE = 'docs/writing-a-strategy.md';

/** What a reader of the docs does, with nothing but the packed packages, in a folder outside of this repository. */
describe('from the packed packages alone', () => {
  const installed = useInstalled();
  const { env: mark, marker } = markedEnvironment();
  let sshd: Sshd;
  let home: string;
  let env: NodeJS.ProcessEnv;

  before(async function () {
    requirePeers(this, 'ssh', 'sshd', 'bash');
    sshd = await startSshd();
    home = join(installed(), 'project/home'); // packages that the reader installs are found above it
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home);
    const places = [join(installed(), 'project/node_modules/.bin'), installedEnv(installed())['PATH']];
    env = { ...installedEnv(installed()), HOME: home, XDG_CONFIG_HOME: '', PATH: places.join(':'), ...mark };
  });
  after(async () => {
    await sshd?.close();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });
  afterEach(async () => {
    await killMarked(marker);
    await expectNoneLeft(() => markedProcesses(marker));
  });

  /** Commands in a shell; `npm` gets what it would fetch from the packed packages. */
  function shell(commands: string, cwd: string = home): Promise<Finished> {
    const npm = `npm() { case "$1" in
install) ;;
create) shift; create-"$@" ;;
*) command npm "$@" ;;
esac; }\n`;
    return run('bash', ['-euc', `${npm}${commands}`], { cwd, env, timeoutMs: 150_000 });
  }

  /** An ssh_config for the test's server, and ssh that reads it. */
  function sshWrapper(): string {
    const folder = join(home, 'bin');
    mkdirSync(folder, { recursive: true });
    const options = sshd.options({ Port: sshd.port }).map((word) => `'${word}'`);
    writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec '/usr/bin/ssh' ${options.join(' ')} "$@"\n`, { mode: 0o755 });
    return `PATH='${folder}':"$PATH"\n`;
  }

  it('the guide, followed word for word, connects ssh through a plugin', async () => {
    const port = await freePort();
    const page = readFileSync(join(ROOT, GUIDE), 'utf8').replaceAll('7000', String(port));
    const blocks = blocksOf(GUIDE, page);
    const folder = join(home, '.config/fdpass');
    const files = blocks.filter(({ file }) => file !== undefined);
    expect(files.map(({ file }) => file)).to.deep.equal([
      'server.mjs',
      'gateway.mjs',
      'config.yaml',
      'gateway.server.mjs',
    ]);
    mkdirSync(folder, { recursive: true });
    for (const { file, code } of files) writeFileSync(join(folder, file ?? ''), code);
    const [prepare = '', check = '', use = '', test = '', testAlone = '', publish = ''] = blocks
      .filter(({ language }) => language === 'sh')
      .map(({ code }) => code);
    const ready = `for i in $(seq 100); do (: </dev/tcp/127.0.0.1/${port}) 2>/dev/null && break; sleep 0.1; done\n`;
    const slowly = use.replace('&\n', `>/dev/null 2>&1 </dev/null &\n${ready}`);
    const first = await shell(`${sshWrapper()}${prepare}${check}${slowly}${test}${testAlone}`);
    expect(first.stderr).to.equal('');
    expect(first.stdout).to.match(/gateway.*hello through the gateway\n(?:gateway .*\d+ passed\n){2}$/s);
    const second = await shell(publish, folder);
    expect(second.status, second.stdout + second.stderr).to.equal(0);
    expect(second.stdout).to.match(/\d+ passing/);
  });

  it('the first steps, from an empty home folder, do what the page shows', async function () {
    requireDocLab(this);
    const done = await runSession(sessionOf(blocksOf(FIRST_STEPS)), join(installed(), 'global/bin'));
    expect(done.map(({ command }) => command.split(' ', 1)[0])).to.include('ssh');
    for (const step of done) expect(shownOf(step), step.place).to.equal(step.shown);
  });

  it('a new project builds, tests itself, and its plugin is found by its name', async () => {
    const project = join(home, 'fdpass-strategy-fresh');
    const made = await shell(
      'npm create fdpass-strategy fdpass-strategy-fresh && cd fdpass-strategy-fresh && npm test',
    );
    expect(made.status, made.stdout + made.stderr).to.equal(0);
    expect(made.stdout)
      .to.match(/strategy fresh/)
      .and.match(/\d+ passing/);
    const config = join(home, 'named');
    mkdirSync(join(config, 'node_modules'), { recursive: true });
    symlinkSync(project, join(config, 'node_modules/fdpass-strategy-fresh'));
    const text = `plugins: [fdpass-strategy-fresh]\nrules: [ { use: { strategy: fresh, gateway: "127.0.0.1" } } ]\n`;
    writeFileSync(join(config, 'config.yaml'), text, { mode: 0o600 });
    const checked = await shell(`fdpass check '${join(config, 'config.yaml')}'`);
    expect(checked.status).to.equal(78);
    expect(checked.stderr + checked.stdout).to.match(/fresh.*"gateway": expected HOST:PORT/);
  });

  it('the example on WebSocket passes the compliance suite and carries ssh', async () => {
    const folder = join(home, 'ws-tunnel');
    cpSync(join(ROOT, 'examples/ws-tunnel'), folder, { recursive: true });
    const tested = await shell('npm test', folder);
    expect(tested.status, tested.stdout + tested.stderr).to.equal(0);
    const { startTunnelServer } = await import(pathToFileURL(join(folder, 'server.js')).href);
    const tunnel = await startTunnelServer();
    const socks = await startSocksProxy();
    try {
      const hops = [`socks5h://127.0.0.1:${socks.port}`, `ws://127.0.0.1:${tunnel.port}/ssh`];
      const config = join(folder, 'config.yaml');
      const rules = `plugins: ["./strategy.js"]\nrules: [ { use: ${JSON.stringify(hops)} } ]\n`;
      writeFileSync(config, rules, { mode: 0o600 });
      const command = `fdpass --config ${config} %h %p`;
      const words = `-o ProxyCommand='${command}' -o ProxyUseFdpass=yes localhost 'echo by web; cat'`;
      const session = await shell(
        `${sshWrapper()}head -c 300000 /dev/zero | ssh ${words} | md5sum\nssh ${words} </dev/null`,
      );
      expect(session.stderr).to.equal('');
      expect(session.stdout).to.match(/by web\n$/);
    } finally {
      await tunnel.close();
      await socks.close();
    }
  });

  it('the examples of embedding run', async () => {
    const folder = join(home, 'embedding');
    cpSync(join(ROOT, 'examples/embedding'), folder, { recursive: true });
    const socks = await startSocksProxy();
    const http = await startHttpProxy();
    const { createServer } = await import('node:http');
    const web = createServer((request, response) => response.end(`you asked for ${request.url}\n`));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = web.address() as { port: number };
      const hops = `socks5h://127.0.0.1:${socks.port} http://127.0.0.1:${http.port}`;
      const fetched = await shell(`node fetch.js http://localhost:${port}/page ${hops}`, folder);
      expect([fetched.stdout, fetched.stderr]).to.deep.equal(['you asked for /page\n', '']);
      const failed = await shell(`node fetch.js http://localhost:${port}/page socks5h://127.0.0.1:1`, folder);
      expect(failed.status).to.equal(1);
      expect(failed.stderr).to.match(/^fetch: .*refused.*\n$/);
      const banner = await shell(`node banner.js 127.0.0.1 ${sshd.port}`, folder);
      expect(banner.stdout).to.match(/^SSH-2\.0-OpenSSH/);
    } finally {
      web.closeAllConnections();
      web.close();
      await socks.close();
      await http.close();
    }
  });
});
