import { chmodSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requirePeers, startSshd, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { useInstalled } from './installed.spec.helper.js';
import { filesIn, installedEnv, manifestIn, ROOT, runInstalled } from './packed.spec.helper.js';

/** The commands as `npm install --global` installs them from their tarball. */
describe('the commands, installed from their package', () => {
  const installed = useInstalled();
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      line.socket.end(await line.rest());
    });
  });
  afterEach(() => server.close());

  it('come with their manual pages', () => {
    expect(filesIn(join(installed(), 'global/share/man'))).to.deep.equal(
      filesIn(join(ROOT, 'man'))
        .map((page) => `man${page.at(-1)}/${page}`)
        .sort(),
    );
  });

  it('answer --version and --help, without a warning', async () => {
    const { version } = manifestIn(join(ROOT, 'packages/cli'));
    for (const name of ['fdpass', 'fdrecv']) {
      const answer = await runInstalled(installed(), [name, '--version']);
      expect(answer).to.deep.include({ status: 0, stdout: `${name} ${version}\n`, stderr: '' });
      const help = await runInstalled(installed(), [name, '--help']);
      expect(help).to.deep.include({ status: 0, stderr: '' });
      expect(help.stdout).to.match(new RegExp(`^Usage:\n  ${name} `, 'm'));
    }
  });

  it('find the node beside their link, and run nothing that NODE_OPTIONS names', async () => {
    const place = temporaryFolder();
    try {
      for (const name of ['fdpass', 'fdrecv'])
        symlinkSync(join(installed(), 'global/bin', name), join(place.path, name));
      symlinkSync(process.execPath, join(place.path, 'node'));
      writeFileSync(join(place.path, 'stranger.js'), 'console.log("stranger");');
      const env = { PATH: '/nonexistent', NODE_OPTIONS: '--require ./stranger.js' };
      const { version } = manifestIn(join(ROOT, 'packages/cli'));
      for (const name of ['fdpass', 'fdrecv']) {
        const answer = await runInstalled(installed(), [join(place.path, name), '--version'], { env, cwd: place.path });
        expect(answer).to.deep.include({ status: 0, stdout: `${name} ${version}\n`, stderr: '' });
      }
    } finally {
      place.remove();
    }
  });

  it('explain a route and list the strategies', async () => {
    const explained = await runInstalled(installed(), ['fdpass', 'explain', 'localhost', '22']);
    expect(explained).to.deep.include({ status: 0, stderr: '' });
    expect(explained.stdout).to.include('happy-eyeballs');
    const listed = await runInstalled(installed(), ['fdpass', 'strategies']);
    expect(listed).to.deep.include({ status: 0, stderr: '' });
    for (const name of ['direct', 'socks5', 'jump', 'srv', 'race']) expect(listed.stdout).to.include(name);
  });

  it('hand the descriptor of a connection over', async () => {
    const words = ['fdrecv', 'fdpass', '127.0.0.1', String(server.port)];
    const { status, stdout, stderr } = await runInstalled(installed(), words);
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(
      new RegExp(`^inet stream local 127\\.0\\.0\\.1:\\d+ peer 127\\.0\\.0\\.1:${server.port}\n$`),
    );
    const bridged = await runInstalled(installed(), ['fdrecv', '--stdio', ...words.slice(1)], { input: 'and back' });
    expect(bridged).to.deep.include({ status: 0, stdout: 'hello\nand back', stderr: '' });
  });

  it('read a YAML configuration', async () => {
    const config = join(installed(), 'config.yaml');
    writeFileSync(config, 'rules:\n  - use: { strategy: direct, host: 127.0.0.1 }\n', { mode: 0o600 });
    const words = ['fdrecv', 'fdpass', '--config', config, 'elsewhere.invalid', String(server.port)];
    expect(await runInstalled(installed(), words)).to.deep.include({ status: 0, stderr: '' });
  });

  it('serve ssh', async function () {
    requirePeers(this, 'ssh', 'sshd');
    const sshd = await startSshd();
    try {
      const options = { ProxyCommand: 'fdpass %h %p', ProxyUseFdpass: 'yes' };
      const answer = await sshd.ssh('echo over ssh', options, { env: installedEnv(installed()) });
      expect(answer).to.deep.include({ status: 0, stdout: 'over ssh\n', stderr: '' });
    } finally {
      await sshd.close();
    }
  });

  it('keep their compiled code in a folder of the user, and write nothing where they are installed', async () => {
    const place = join(installed(), 'global');
    const before = filesIn(place);
    const XDG_CACHE_HOME = join(installed(), 'own-cache');
    const words = ['fdrecv', 'fdpass', '127.0.0.1', String(server.port)];
    setWritable(place, false);
    try {
      for (let times = 1; times <= 3; times++)
        expect((await runInstalled(installed(), words, { env: { XDG_CACHE_HOME } })).status).to.equal(0);
    } finally {
      setWritable(place, true);
    }
    const kept = filesIn(join(XDG_CACHE_HOME, 'fdpass'));
    const starts = Object.fromEntries(
      kept.flatMap((file) => {
        const [, options = '', name = ''] =
          /^code-v[\d.]+-[^-/]+([^/]*).*\/bundle\/(fdpass|fdrecv)\.cjs$/.exec(file) ?? [];
        const text = readFileSync(join(XDG_CACHE_HOME, 'fdpass', file), 'latin1');
        return name === '' ? [] : [[`${name}${options}`, Number(text.slice(-1))]];
      }),
    );
    // A node that has noted that it knows the option is started with it from then on.
    expect(starts).to.deep.equal({
      fdpass: 1,
      fdrecv: 3,
      'fdpass-quick': 2,
    });
    expect(filesIn(place)).to.deep.equal(before);
  });
});

/** Takes every file's and folder's write permission, and gives it back. */
function setWritable(folder: string, isWritable: boolean): void {
  const files = filesIn(folder).map((file) => join(folder, file));
  for (const place of new Set([...files.map((file) => dirname(file)), ...files])) {
    const entry = lstatSync(place);
    if (!entry.isSymbolicLink()) chmodSync(place, isWritable ? entry.mode | 0o200 : entry.mode & ~0o222);
  }
}
