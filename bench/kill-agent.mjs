// Sessions of ssh, one after the other, while the agent that serves them is killed (kill -9) at moments spread over each of them.
// Every session has to succeed. SESSIONS=100; `--json` prints what was counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { markedEnvironment, markedProcesses, startSshd } from '../packages/test-lab/dist/index.js';

const SESSIONS = Number(process.env.SESSIONS ?? 100);
const FDPASS = resolve('bin/fdpass');

const sshd = await startSshd();
const { env: mark, marker } = markedEnvironment();
mkdirSync(join(sshd.folder, 'fdpass'), { mode: 0o700 });
writeFileSync(join(sshd.folder, 'fdpass/config.yaml'), 'agent: auto\n', { mode: 0o600 });
const own = { XDG_RUNTIME_DIR: sshd.folder, XDG_CONFIG_HOME: sshd.folder, FDPASS_CONFIG: '', FDPASS_AGENT: '' };
const env = { ...process.env, ...mark, ...own };
const options = sshd.options({ ProxyCommand: `${FDPASS} %h %p`, ProxyUseFdpass: 'yes' });

const counts = { sessions: SESSIONS, succeeded: 0, killed: 0 };
let usual = 500;
for (let session = 0; session < SESSIONS; session++) {
  const started = performance.now();
  const ssh = spawn('ssh', [...options, `${sshd.user}@127.0.0.1`, 'echo served'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const answer = ssh.stdout.toArray();
  const ended = once(ssh, 'exit');
  await new Promise((done) => setTimeout(done, (usual * session) / SESSIONS));
  counts.killed += killAgents();
  const [status] = await ended;
  if (status === 0 && String(Buffer.concat(await answer)) === 'served\n') counts.succeeded++;
  usual = (3 * usual + performance.now() - started) / 4;
}
killAgents();
await sshd.close();
if (process.argv.includes('--json')) console.log(JSON.stringify(counts));
else console.log(`${counts.succeeded} of ${SESSIONS} sessions succeeded; the agent was killed ${counts.killed} times`);
process.exit(counts.succeeded === SESSIONS ? 0 : 1);

function killAgents() {
  const agents = markedProcesses(marker).filter((line) => line.includes('--detached-agent'));
  for (const line of agents) process.kill(Number.parseInt(line, 10), 'SIGKILL');
  return agents.length;
}
