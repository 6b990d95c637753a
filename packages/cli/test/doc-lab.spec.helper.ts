import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { sshdWithoutLimits } from '@fdpass/test-lab';

/*
 * Runs inside of the network of doc-sessions.spec.helper.ts, as root of its namespaces: starts what the pages say is there, and
 * then does what they say, as the user `me` with an empty home folder. All of it ends with this process.
 */

const FOLDER = process.env['DOC_FOLDER'] ?? '';
const AGENT = inFolder('agent.sock');
const BIN = process.env['DOC_BIN'] ?? '';
const HOME = '/home/me';

/** server.example, nas.example, bastion.example, and the NAS at home. */
const SSH_SERVERS = ['198.51.100.10', '2001:db8:1::10', '198.51.100.11', '198.51.100.12', '192.168.1.10'];
const PROXY = '198.51.100.20';
const PROXY6 = '2001:db8:1::20';
const CLOSING = '198.51.100.31';
const SILENT = '198.51.100.32';
const MAIL = '198.51.100.33';
const NAME_SERVER = '198.51.100.53';

/** A file of the system's for as long as the namespace lives. */
function replace(path: string, text: string): void {
  const copy = inFolder(path.replaceAll('/', '-'));
  writeFileSync(copy, text);
  execFileSync('mount', ['--bind', copy, path]);
}

function inFolder(name: string): string {
  return join(FOLDER, name);
}

/** User 0 is called `me` here and has an empty home. Its key is in an agent. */
function makeUser(): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'home', '/home']);
  mkdirSync(HOME);
  replace('/etc/passwd', `me:x:0:0::${HOME}:/bin/bash\n${readFileSync('/etc/passwd', 'utf8')}`);
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', inFolder(name)]);
  chmodSync(FOLDER, 0o755);
  const hostKey = readFileSync(inFolder('host.pub'), 'utf8');
  writeFileSync(inFolder('known_hosts'), `*.example,*.onion,nas ${hostKey}`);
  replace('/etc/ssh/ssh_config', `GlobalKnownHostsFile ${inFolder('known_hosts')}\n`);
  execFileSync('ssh-agent', ['-a', AGENT]);
  execFileSync('ssh-add', ['-q', inFolder('user')], { env: { ...process.env, SSH_AUTH_SOCK: AGENT } });
}

function startSshServers(): void {
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const settings = [
    ...SSH_SERVERS.map((address) => `ListenAddress ${address}`),
    `HostKey ${inFolder('host')}`,
    `AuthorizedKeysFile ${inFolder('user.pub')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'Subsystem sftp internal-sftp',
    ...sshdWithoutLimits().map((setting) => setting.join(' ')),
  ];
  writeFileSync(inFolder('sshd_config'), `${settings.join('\n')}\n`);
  start('/usr/sbin/sshd', ['-D', '-f', inFolder('sshd_config')]);
}

/** A SOCKS proxy (port 1080, and 9050 as Tor has it), an HTTP proxy (3128) and one that wants a password (8080). */
function startProxies(): void {
  start('microsocks', ['-i', PROXY, '-b', PROXY, '-p', '1080']);
  start('microsocks', ['-i', '127.0.0.1', '-p', '9050']);
  for (const [port, more] of [
    [3128, ''],
    [8080, 'BasicAuth me opensesame\n'],
  ]) {
    const file = inFolder(`tinyproxy-${port}`);
    writeFileSync(file, `Listen ${PROXY}\nListen ${PROXY6}\nPort ${port}\nConnectPort 22\nLogLevel Critical\n${more}`);
    start('tinyproxy', ['-d', '-c', file]);
  }
}

/** A server that closes at once, one that never says anything, and one that speaks SMTP. */
function startStrangeServers(): void {
  const serve = (address: string, port: number, answer: (socket: Socket) => void): void => {
    createServer((socket) => answer(socket.on('error', () => {}))).listen(port, address);
  };
  serve(CLOSING, 22, (socket) => socket.end());
  serve(SILENT, 22, () => {});
  serve(MAIL, 25, (socket) => socket.write('220 mail.example ESMTP\r\n'));
}

/** A name server that knows no name: those of the network are in /etc/hosts. */
function startNameServer(): void {
  const server = createSocket('udp4').bind(53, NAME_SERVER);
  server.on('message', (query, { port, address }) => {
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8183, 2); // a response, recursion available, NXDOMAIN (RFC 1035, 4.1.1)
    server.send(answer, port, address);
  });
}

const servers: ChildProcess[] = [];

function start(command: string, args: readonly string[]): void {
  servers.push(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
}

async function waitFor(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const socket = connect({ host, port });
    const [connected] = await Promise.allSettled([once(socket, 'connect')]);
    socket.destroy();
    if (connected.status === 'fulfilled') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens at ${host}:${port}`);
}

makeUser();
startSshServers();
startProxies();
startStrangeServers();
startNameServer();
for (const address of [...SSH_SERVERS, CLOSING, SILENT]) await waitFor(address, 22);
for (const port of [1080, 3128, 8080]) await waitFor(PROXY, port);
await waitFor('127.0.0.1', 9050);
await waitFor(MAIL, 25);

const PATH = [BIN, join(HOME, '.local/bin'), dirname(process.execPath), process.env['PATH']].join(':');
const env = { SSH_AUTH_SOCK: AGENT, HOME, USER: 'me', LOGNAME: 'me', SHELL: '/bin/bash', LANG: 'C.UTF-8', PATH };
const shell = spawn('bash', [inFolder('session.sh')], { cwd: HOME, env, stdio: ['ignore', 'inherit', 'inherit'] });
const [status] = await once(shell, 'exit');
for (const server of servers) server.kill();
process.exit(status ?? 1);
