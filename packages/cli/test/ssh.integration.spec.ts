import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  type Sshd,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';

/** Real ssh, through the real fdpass, to a real sshd. */
describe('ssh through fdpass', () => {
  let sshd: Sshd;
  const { env: mark, marker } = markedEnvironment();
  const env = { ...NO_CONFIG, ...mark };
  const passing = { ProxyCommand: proxyCommand(), ProxyUseFdpass: 'yes' };
  const relaying = { ProxyCommand: proxyCommand() };

  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    sshd = await startSshd();
  });
  after(() => sshd?.close());
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  it('with descriptor passing: the server sees the socket that fdpass opened, and no helper runs meanwhile', async () => {
    const log = join(sshd.folder, 'fdpass.log');
    const options = { ...passing, ProxyCommand: proxyCommand('--log', log) };
    const helpers = `echo $SSH_CONNECTION; ps -A -o args= | grep -c '[b]in/fdpass --log' || true`;
    const { status, stdout, stderr } = await sshd.ssh(helpers, options, { env });
    expect([status, stderr]).to.deep.equal([0, '']);
    const [connection = '', count] = stdout.trim().split('\n');
    const [address, port] = connection.split(' ');
    const [, opened] = /handed-over as=descriptor local=(\S+)/.exec(readFileSync(log, 'utf8')) ?? [];
    expect(opened).to.equal(address?.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
    // ssh's own command line holds the words too; apart from it nothing does.
    expect(Number(count)).to.be.at.most(1);
  });

  it('without descriptor passing, by the same ProxyCommand', async () => {
    const { status, stdout } = await sshd.ssh('cat; echo done', relaying, { env, input: 'over a pipe\n' });
    expect([status, stdout]).to.deep.equal([0, 'over a pipe\ndone\n']);
  });

  it('through fdrecv --stdio as a plain ProxyCommand', async () => {
    const words = [process.execPath, FDRECV_BIN, '--stdio', process.execPath, FDPASS_BIN]
      .map((word) => `'${word}'`)
      .join(' ');
    const { status, stdout } = await sshd.ssh('echo bridged', { ProxyCommand: `${words} %h %p` }, { env });
    expect([status, stdout]).to.deep.equal([0, 'bridged\n']);
  });

  it('carries 16 MiB there and back unharmed, both ways of handing over', async () => {
    const data = randomBytes(16 * 1024 * 1024);
    for (const options of [passing, relaying]) {
      const { status, stdout } = await sshd.ssh('cat', options, { env, input: data });
      expect(status).to.equal(0);
      expect(Buffer.from(stdout, 'latin1').equals(data)).to.equal(true);
    }
  });

  it('serves scp and sftp', async function () {
    requirePeers(this, 'scp', 'sftp');
    const file = join(sshd.folder, 'sent');
    writeFileSync(file, randomBytes(300_000));
    const copied = await run('scp', [...sshd.options(passing), file, `${sshd.user}@localhost:${file}.scp`], { env });
    expect([copied.status, copied.stderr]).to.deep.equal([0, '']);
    const batch = await run('sftp', [...sshd.options(passing), '-b', '-', `${sshd.user}@localhost`], {
      env,
      input: `get ${file} ${file}.sftp\n`,
    });
    expect(batch.status).to.equal(0);
    for (const copy of ['scp', 'sftp'])
      expect(readFileSync(`${file}.${copy}`).equals(readFileSync(file))).to.equal(true);
  });

  it('serves git clone and rsync', async function () {
    requirePeers(this, 'git', 'rsync');
    const repository = join(sshd.folder, 'repository');
    mkdirSync(repository);
    writeFileSync(join(repository, 'file'), 'content\n');
    const git = (...args: string[]) =>
      run('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]);
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['commit', '-qm', 'first'],
    ])
      expect((await git(...args)).status).to.equal(0);
    const command = ['ssh', ...sshd.options(passing)].map((word) => `"${word.replaceAll('"', '\\"')}"`).join(' ');
    const remote = `${sshd.user}@localhost:${repository}`;
    const cloned = await run('git', ['clone', '-q', remote, join(sshd.folder, 'clone')], {
      env: { ...env, GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: 'ssh' },
    });
    expect([cloned.status, cloned.stderr]).to.deep.equal([0, '']);
    const synced = await run('rsync', ['-a', '-e', command, `${remote}/file`, join(sshd.folder, 'synced')], { env });
    expect([synced.status, synced.stderr]).to.deep.equal([0, '']);
    for (const copy of ['clone/file', 'synced'])
      expect(readFileSync(join(sshd.folder, copy), 'utf8')).to.equal('content\n');
  });

  it('works with stderr on /dev/null, and then the log knows what happened', async () => {
    const log = join(sshd.folder, 'quiet.log');
    const command = `${[process.execPath, FDPASS_BIN, '--log', log].map((word) => `'${word}'`).join(' ')} 127.0.0.1 1 2>/dev/null`;
    const { status } = await sshd.ssh('true', { ProxyCommand: command, ProxyUseFdpass: 'yes' }, { env });
    expect(status).to.equal(255);
    expect(readFileSync(log, 'utf8'))
      .to.match(/attempt-failed .*connection refused/)
      .and.match(/ failed error=127\.0\.0\.1:1: .*connection refused/);
  });

  it('names the cause where ssh itself could only say that the connection closed', async () => {
    const { status, stderr } = await sshd.ssh('true', passing, { env, host: 'no-such-host.invalid' });
    expect(status).to.equal(255);
    expect(stderr).to.match(/fdpass: \[unknown-host\] no-such-host\.invalid:\d+: .*no such host|name resolution/);
  });
});

/** The block that README.md tells users to put into ~/.ssh/config, as it is there. */
describe('the ssh_config of the README', () => {
  const folder = temporaryFolder();
  const argv = join(folder.path, 'argv');
  const block =
    /```\n(# ~\/\.ssh\/config\n.*?)```/s.exec(
      readFileSync(new URL('../../../README.md', import.meta.url), 'utf8'),
    )?.[1] ?? '';

  before(function () {
    requirePeers(this, 'ssh');
    // Stands for the command, and writes down what it is given.
    const recorder = `#!/bin/sh\nprintf '%s\\n' "$@" >'${argv}'\n`;
    writeFileSync(join(folder.path, 'fdpass'), recorder, { mode: 0o755 });
  });
  after(() => folder.remove());

  function config(text: string): string {
    const file = join(folder.path, 'config');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** The options that ssh has for a host. */
  async function optionsOf(host: string, text: string): Promise<Record<string, string>> {
    const { status, stdout, stderr } = await run('ssh', ['-G', '-T', '-F', config(text), host], { input: '' });
    expect([status, stderr]).to.deep.equal([0, '']);
    return Object.fromEntries(stdout.split('\n').map((line) => [line.split(' ', 1)[0], line.replace(/^\S+ /, '')]));
  }

  it('gives the user name and the alias to fdpass as they are, a backslash too', async () => {
    const env = { PATH: `${folder.path}:${process.env['PATH']}`, SHELL: '/bin/sh' };
    const file = config(`Host nas\n    HostName nas.example\n${block}`);
    await run('ssh', ['-F', file, '-l', 'CORP\\bob smith', 'nas'], { env, input: '' });
    expect(readFileSync(argv, 'utf8')).to.equal(
      ['--user', 'CORP\\bob smith', '--alias', 'nas', 'nas.example', '22', ''].join('\n'),
    );
  });

  it('leaves a host with a ProxyCommand of its own alone, which without "ProxyUseFdpass no" it would not', async () => {
    const { proxycommand, proxyusefdpass } = await optionsOf('legacy.example', block);
    expect(proxycommand).to.match(/^nc /);
    expect(proxyusefdpass).to.equal('no');
    const inherited = await optionsOf('legacy.example', block.replace('ProxyUseFdpass no', ''));
    expect(inherited['proxyusefdpass']).to.equal('yes');
  });

  it('is the last one of the file: a ProxyJump below it is off, and above it works', async () => {
    expect(block.trimEnd().slice(block.lastIndexOf('Host '))).to.match(/^Host \*\n/);
    const jump = 'Host inside.example\n    ProxyJump bastion.example\n';
    const above = await optionsOf('inside.example', `${jump}${block}`);
    expect(above).to.have.property('proxyjump', 'bastion.example');
    expect(await optionsOf('inside.example', `${block}${jump}`)).to.not.have.property('proxyjump');
  });
});
