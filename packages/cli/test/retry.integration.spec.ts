import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import {
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  startSshd,
} from '@fdpass/test-lab';
import { refusedPort } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';

/** How many sessions are started, and how many at a time: each is a client, a fdpass, and two processes of the server. */
const SESSIONS = 40;
const AT_ONCE = 5;

/** A server that lets one client at a time log in, and drops all others (MaxStartups of sshd_config(5)). */
describe('fdpass that tries again', () => {
  const { env: mark, marker } = markedEnvironment();
  const env = { ...NO_CONFIG, ...mark };
  let sshd: Sshd;
  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    sshd = await startSshd({ settings: { MaxStartups: '1:100:1' } });
  });
  after(() => sshd?.close());
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  function writeConfig(rule: object): string {
    const file = join(sshd.folder, 'retry.json');
    writeFileSync(file, JSON.stringify({ rules: [rule] }), { mode: 0o600 });
    return file;
  }

  function session(config: string): Promise<Finished> {
    const more = { ProxyCommand: proxyCommand('--config', config), ProxyUseFdpass: 'yes' };
    return sshd.ssh('echo here', more, { env, host: '127.0.0.1', timeoutMs: 100_000 });
  }

  /** Takes the one place for a client that has not logged in, as soon as whoever had it has left. */
  async function occupy(): Promise<() => void> {
    for (;;) {
      const socket = connect(sshd.port, '127.0.0.1').on('error', () => {});
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      if (String(greeting).startsWith('SSH-')) return () => void socket.destroy();
      socket.destroy();
    }
  }

  it('is let in when another client has logged in', async () => {
    const leave = await occupy();
    const config = writeConfig({
      use: 'direct',
      expect: 'SSH-',
      retry: { times: 100, backoff: '50ms', within: '60s' },
    });
    const more = { ProxyCommand: proxyCommand('-v', '--config', config), ProxyUseFdpass: 'yes' };
    const words = [...sshd.options(more), `${sshd.user}@127.0.0.1`, 'echo here'];
    const { status, stdout } = await runAndHear('ssh', words, /trying again/, leave, env);
    expect([status, stdout]).to.deep.equal([0, 'here\n']);
  });

  it('says why it was not let in when no try is left', async () => {
    const leave = await occupy();
    try {
      const config = writeConfig({ use: 'direct', expect: 'SSH-', retry: { times: 2, backoff: '20ms' } });
      const { status, stderr } = await session(config);
      expect(status).to.equal(255);
      expect(stderr).to.match(
        /fdpass: \[unreachable\] .*: direct: the server closed the connection (after it had said "Exceeded MaxStartups"|before it greeted) .*\(tried 3 times\)/,
      );
    } finally {
      leave();
    }
  });

  it(`opens ${SESSIONS} sessions of ${SESSIONS}`, async function () {
    this.timeout(300_000);
    const retry = { times: 1000, backoff: '30ms', within: '90s' };
    const config = writeConfig({ use: 'direct', expect: 'SSH-', retry });
    const results: Finished[] = [];
    const work = async (): Promise<void> => {
      for (let left = SESSIONS / AT_ONCE; left > 0; left--) results.push(await session(config));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const failed = results.filter(({ status, stdout }) => status !== 0 || stdout !== 'here\n');
    expect(failed).to.deep.equal([]);
    expect(results).to.have.length(SESSIONS);
  });

  it('connects to a server that starts late', async () => {
    const port = await refusedPort();
    const config = writeConfig({ use: 'direct', retry: { times: 1000, backoff: '50ms', within: '60s' } });
    const words = [FDPASS_BIN, '-v', '--stdio', '--config', config, '127.0.0.1', String(port)];
    const server = createServer((socket) => void socket.end('late'));
    const listen = (): void => void server.listen(port, '127.0.0.1');
    try {
      const said = await runAndHear(process.execPath, words, /trying again/, listen, env);
      expect([said.status, said.stdout]).to.deep.equal([0, 'late']);
      expect(said.stderr).to.match(/connection refused.*; trying again in \d+ ms \(1 of 1001 tries made\)/);
    } finally {
      server.close();
    }
  });
});

/** Runs a program, and does something as soon as it has said something. */
async function runAndHear(
  program: string,
  words: readonly string[],
  wanted: RegExp,
  act: () => void,
  env: NodeJS.ProcessEnv,
): Promise<Omit<Finished, 'signal'>> {
  const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  let acted = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
    if (acted || !wanted.test(said.stderr)) return;
    acted = true;
    act();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (!acted) act();
  return { status, ...said };
}
