import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { requirePeers } from './peers.js';
import {
  descendants,
  expectNoDescriptorLeft,
  expectNoneLeft,
  killMarked,
  markedEnvironment,
  openDescriptors,
  run,
} from './processes.js';
import { type Sshd, startSshd } from './sshd.js';

describe('a real ssh server', () => {
  let sshd: Sshd;
  let open: readonly string[];
  const { env, marker } = markedEnvironment();

  beforeEach(async function () {
    requirePeers(this, 'sshd', 'ssh', 'ssh-keygen', 'sftp', 'nc');
    open = openDescriptors();
    sshd = await startSshd();
  });
  afterEach(async () => {
    await sshd?.close();
    killMarked(marker);
  });

  it('lets us in, through a ProxyCommand too', async () => {
    const direct = await sshd.ssh('echo in; exit 5', {}, { host: '127.0.0.1' });
    expect(direct, sshd.log()).to.include({ status: 5, stdout: 'in\n', stderr: '' });
    const through = await sshd.ssh('echo through', { ProxyCommand: 'nc 127.0.0.1 %p' }, { host: 'any.example' });
    expect(through, sshd.log()).to.include({ status: 0, stdout: 'through\n' });
    expect(sshd.log()).to.match(/Accepted publickey for/);
  });

  it('takes files by sftp', async () => {
    const [from, to] = ['from', 'to'].map((name) => join(sshd.folder, name)) as [string, string];
    writeFileSync(from, 'content');
    const { status } = await run('sftp', ['-q', ...sshd.options(), `${sshd.user}@localhost`], {
      input: `put ${from} ${to}\n`,
    });
    expect(status, sshd.log()).to.equal(0);
    expect(readFileSync(to, 'utf8')).to.equal('content');
  });

  it('leaves neither session nor file nor descriptor when it is closed', async () => {
    const session = spawn('ssh', [...sshd.options(), `${sshd.user}@127.0.0.1`, 'echo in; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...env },
    });
    await once(session.stdout, 'data');
    const remote = descendants(process.pid).filter(({ pid }) => pid !== session.pid);
    expect(remote.length).to.be.greaterThan(2);
    await Promise.all([once(session, 'close'), sshd.close()]);
    await expectNoneLeft(() => remote.filter(({ pid }) => existsSync(`/proc/${pid}/exe`)).map(({ pid }) => `${pid}`));
    expect(existsSync(sshd.folder)).to.equal(false);
    await expectNoDescriptorLeft(open);
  });
});
