import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  startSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';

const FDPASS = fileURLToPath(new URL('../../../bin/fdpass', import.meta.url));

/** Real ssh over real jump hosts with descriptor passing: the setting that is said not to work. */
describe('jump hosts', () => {
  const { env: mark, marker } = markedEnvironment();
  const env = { XDG_CONFIG_HOME: '/nonexistent', FDPASS_CONFIG: '', ...mark };
  const servers: Sshd[] = [];
  let proxyCommand: string;

  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    for (let i = 0; i < 3; i++) servers.push(await startSshd());
    const [first, second, third] = servers as [Sshd, Sshd, Sshd];
    // What the inner ssh is to know of the jump hosts, as a user's ssh_config would: the first one's key lets us in everywhere.
    const config = join(first.folder, 'jump_config');
    const hosts = [first, second].map((server, index) => server.configBlock(`jump${index + 1}`));
    writeFileSync(config, hosts.join(''), { mode: 0o600 });
    const rules = join(first.folder, 'fdpass.yaml');
    writeFileSync(
      rules,
      `rules:
  - { port: ${third.port}, use: { strategy: jump, hosts: [jump1, jump2], sshOptions: [-F, ${config}], patience: 20s } }
  - { use: { strategy: jump, hosts: [jump1], sshOptions: [-F, /dev/null, -o, BatchMode=yes, -o, IdentityAgent=none, -o, "Port=${first.port}", -o, HostName=127.0.0.1, -o, StrictHostKeyChecking=no, -o, UserKnownHostsFile=/dev/null, -o, LogLevel=ERROR], patience: 20s } }
`,
      { mode: 0o600 },
    );
    proxyCommand = `'${process.execPath}' '${FDPASS}' --config '${rules}' %h %p`;
  });
  after(() => Promise.all(servers.map((server) => server.close())));
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  const third = (): Sshd => servers[2] as Sshd;
  const options = (): Record<string, string> => ({ ProxyCommand: proxyCommand, ProxyUseFdpass: 'yes' });

  it('two of them, by ssh -W inside, and the descriptor is handed over', async () => {
    const { status, stdout, stderr } = await third().ssh('echo $SSH_CONNECTION; cat', options(), {
      env,
      host: '127.0.0.1',
      input: 'through both',
    });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+\nthrough both$/);
  });

  it('that refuse say so: the words of the inner ssh reach the user', async () => {
    const { status, stderr } = await (servers[1] as Sshd).ssh('true', options(), { env, host: '127.0.0.1' });
    expect(status).to.equal(255);
    expect(stderr).to.match(
      /fdpass: \[permission\] 127\.0\.0\.1:\d+: rule 2 .*jump: "ssh" ended with status 255 .*Permission denied/,
    );
  });

  describe('leave nothing behind when the outer ssh is killed', () => {
    const moments = 10;
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
      it(`by ${signal}, at ${moments} moments of the dial and of the session`, async () => {
        for (let moment = 0; moment < moments; moment++) {
          const server = third();
          const args = [...server.options(options()), `${server.user}@127.0.0.1`, 'echo ready; cat'];
          const ssh = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
          const ended = once(ssh, 'exit');
          await reach(ssh, moment);
          ssh.kill(signal);
          await ended;
          await expectNoneLeft(() => markedProcesses(marker));
        }
      });
    }

    /** Moments are told by what is there, not by time: processes that have appeared, then the session, then bytes in it. */
    async function reach(ssh: ChildProcess, moment: number): Promise<void> {
      if (moment < 5) {
        while (markedProcesses(marker).length < moment && ssh.exitCode === null) await new Promise(setImmediate);
        return;
      }
      if (ssh.stdout === null || ssh.stdin === null) throw new Error('no pipes');
      await once(ssh.stdout, 'data');
      for (let i = 5; i < moment; i++) {
        ssh.stdin.write('x'.repeat(1000 * i));
        await once(ssh.stdout, 'data');
      }
    }
  });
});
