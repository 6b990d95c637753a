// A real ssh session through fdpass with descriptor passing: to a real sshd if one is installed, otherwise to an embedded SSH
// server. Shows that ssh uses the very socket that fdpass opened, and that no helper process is left.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FDPASS = fileURLToPath(new URL('../bin/fdpass', import.meta.url));
const SEARCH = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin'];

const folder = mkdtempSync(join(tmpdir(), 'fdpass-demo-'));
const cleanups = [() => rmSync(folder, { recursive: true, force: true })];
let failed = false;
try {
  await main();
} catch (error) {
  failed = true;
  console.error(`demo: ${error.message}`);
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
process.exit(failed ? 1 : 0);

async function main() {
  if (!find('ssh')) throw new Error('no ssh client found; install one (on Debian: apt-get install openssh-client)');
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  const server = find('sshd') ? await startSshd(find('sshd')) : await startEmbeddedServer();
  console.log(`demo: ${server.what} listens on 127.0.0.1, port ${server.port}`);

  await directly(server.port);
  await throughJumpHost(server.port);
  console.log('demo: to use fdpass for every host, put the block of README.md at the end of ~/.ssh/config');
}

/** A session over the socket that fdpass opened and handed over. */
async function directly(port) {
  const log = join(folder, 'fdpass.log');
  console.log(
    `demo: ssh -o ProxyUseFdpass=yes -o ProxyCommand="fdpass --user '%r' --alias '%n' --log … %h %p" ${userInfo().username}@127.0.0.1`,
  );
  const { address, helpers } = await session(port, `'${FDPASS}' --user '%r' --alias '%n' --log '${log}' %h %p`);
  const opened = /handed-over as=descriptor local=(\S+)/.exec(readFileSync(log, 'utf8'))?.[1];
  console.log(`demo: fdpass opened and handed over the socket  ${opened}`);
  console.log(`demo: the server sees the client's address      ${address}`);
  console.log(`demo: fdpass processes while the session runs:  ${helpers.length}`);
  if (opened !== address) throw new Error('ssh did not use the socket that fdpass opened');
  if (helpers.length > 0) throw new Error(`a helper process was left: ${helpers.join('; ')}`);
  console.log('demo: it works: the session ran over the very socket that fdpass opened, and no process was in between');
}

/** The same through a jump host, which is the same server: it runs `ssh -W`, and a descriptor is still handed over. */
async function throughJumpHost(port) {
  const config = join(folder, 'jump_config');
  const lines = Object.entries(sshOptions(port)).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(config, lines.join(''), { mode: 0o600 });
  const rules = join(folder, 'fdpass.json');
  const use = {
    strategy: 'jump',
    hosts: [`${userInfo().username}@127.0.0.1`],
    sshOptions: ['-F', config],
    patience: '20s',
  };
  writeFileSync(rules, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
  console.log('demo: the same with { strategy: jump, hosts: [127.0.0.1] }, a jump host');
  const { helpers } = await session(port, `'${FDPASS}' --config '${rules}' %h %p`);
  console.log(`demo: fdpass processes while the session runs:  ${helpers.length}`);
  if (helpers.length > 0) throw new Error(`a helper process was left: ${helpers.join('; ')}`);
  console.log('demo: it works: descriptor passing through a jump host');
}

/** Runs a session to its end: the client's address as the server sees it, and the fdpass processes during the session. */
async function session(port, proxyCommand) {
  const ssh = spawn('ssh', sshArguments(port, proxyCommand), { stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => ssh.kill(), 60_000);
  const [line] = (await firstLine(ssh.stdout)).split('\n');
  const [address, clientPort] = line.trim().split(' ');
  if (!clientPort) throw new Error('the session did not answer');
  const helpers = fdpassProcesses(folder);
  ssh.stdin.end('done\n');
  const [status] = await once(ssh, 'exit');
  clearTimeout(timer);
  if (status !== 0) throw new Error(`ssh ended with status ${status}`);
  return { address: `${address}:${clientPort}`, helpers };
}

function sshOptions(port) {
  return {
    Port: port,
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: join(folder, 'user'),
    LogLevel: 'ERROR',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: join(folder, 'known_hosts'),
  };
}

function sshArguments(port, proxyCommand) {
  const options = { ...sshOptions(port), ProxyCommand: proxyCommand, ProxyUseFdpass: 'yes' };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-F', 'none', '-T', ...flags, `${userInfo().username}@127.0.0.1`, 'echo $SSH_CONNECTION; read answer'];
}

async function firstLine(stream) {
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text;
}

/** The processes that run fdpass for this demo, by their command lines; `folder` distinguishes them from others. */
function fdpassProcesses(marker) {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes(marker) && /bin\/fdpass\b/.test(line) && !/\bssh /.test(line));
}

async function startSshd(sshd) {
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user.pub')));
  chmodSync(folder, 0o700);
  const port = await freePort();
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: join(folder, 'host'),
    PidFile: 'none',
    AuthorizedKeysFile: join(folder, 'authorized_keys'),
    StrictModes: 'no',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
  };
  writeFileSync(
    join(folder, 'sshd_config'),
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );
  const child = spawn(sshd, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk) => (words += chunk));
  cleanups.push(() => void child.kill());
  await answering(port, () => child.exitCode !== null && `sshd did not start: ${words}`);
  return { port, what: `sshd (${sshd})` };
}

async function startEmbeddedServer() {
  const { default: ssh2 } = await import('ssh2');
  const allowed = ssh2.utils.parseKey(readFileSync(join(folder, 'user.pub')));
  const server = new ssh2.Server({ hostKeys: [readFileSync(join(folder, 'host'))] }, (client, info) => {
    client.on('error', () => {});
    client.on('authentication', (context) => authenticate(context, allowed));
    // What `ssh -W` asks a jump host for.
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const far = connect({ port: destPort, host: destIP, allowHalfOpen: true });
      far
        .once('error', () => reject?.())
        .once('connect', () => {
          const stream = accept();
          stream.pipe(far).pipe(stream);
        });
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const stream = acceptExec();
        stream.write(`${info.ip} ${info.port} 127.0.0.1 ${server.address().port}\n`);
        stream.resume().once('end', () => {
          stream.exit(0);
          stream.end();
        });
      });
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  return { port: server.address().port, what: 'an embedded SSH server (no sshd is installed)' };
}

function authenticate(context, allowed) {
  const isOurs = context.method === 'publickey' && context.key.data.equals(allowed.getPublicSSH());
  const isProven = isOurs && (!context.signature || allowed.verify(context.blob, context.signature, context.hashAlgo));
  if (isProven === true) context.accept();
  else context.reject(['publickey']);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function answering(port, failure) {
  for (let tries = 0; tries < 200; tries++) {
    const problem = failure();
    if (problem) throw new Error(problem);
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers on port ${port}`);
}

function find(name) {
  return SEARCH.map((place) => join(place, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
