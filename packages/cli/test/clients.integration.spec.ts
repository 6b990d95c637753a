import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Finished, requirePeers, run, skipOrFail, useSshd } from '@fdpass/test-lab';
import { expect } from 'chai';
import { Client, type ClientChannel } from 'ssh2';
import { FDPASS_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** Of each client below: what it is to write on the server, and to read from it. */
const SIZE = 3 * 1024 * 1024;

/** Arguments: host, port, user, key, proxy command, file to send, command that takes it, command that gives it back, file for that. */
const PARAMIKO = `
import paramiko, sys
host, port, user, key, proxy, data, take, give, back = sys.argv[1:]
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(host, int(port), user, key_filename=key, allow_agent=False, look_for_keys=False, sock=paramiko.ProxyCommand(proxy))
stdin, stdout, _ = client.exec_command(take)
stdin.write(open(data, 'rb').read())
stdin.channel.shutdown_write()
assert stdout.channel.recv_exit_status() == 0
open(back, 'wb').write(client.exec_command(give)[1].read())
client.close()
`;

const ASYNCSSH = `
import asyncio, asyncssh, sys
host, port, user, key, proxy, data, take, give, back = sys.argv[1:]
async def main():
    async with asyncssh.connect(host, int(port), username=user, client_keys=[key], known_hosts=None, config=None,
                                proxy_command=proxy) as connection:
        await connection.run(take, input=open(data, 'rb').read(), encoding=None, check=True)
        result = await connection.run(give, encoding=None, check=True)
        open(back, 'wb').write(result.stdout)
asyncio.run(main())
`;

const LIBSSH = `
#include <libssh/libssh.h>
#include <stdio.h>
#include <stdlib.h>

static ssh_session session;

static void need(int isRight, const char *what) {
  if (isRight) return;
  fprintf(stderr, "%s: %s\\n", what, ssh_get_error(session));
  exit(1);
}

static ssh_channel start(const char *command) {
  ssh_channel channel = ssh_channel_new(session);
  need(ssh_channel_open_session(channel) == SSH_OK, "open");
  need(ssh_channel_request_exec(channel, command) == SSH_OK, "exec");
  return channel;
}

int main(int count, char **words) {
  (void)count;
  static char bytes[1 << 15];
  const char *host = words[1], *port = words[2], *user = words[3], *key = words[4], *proxy = words[5];
  ssh_key private_key;
  int length;
  session = ssh_new();
  ssh_options_set(session, SSH_OPTIONS_HOST, host);
  ssh_options_set(session, SSH_OPTIONS_PORT_STR, port);
  ssh_options_set(session, SSH_OPTIONS_USER, user);
  ssh_options_set(session, SSH_OPTIONS_PROXYCOMMAND, proxy);
  need(ssh_connect(session) == SSH_OK, "connect");
  need(ssh_pki_import_privkey_file(key, NULL, NULL, NULL, &private_key) == SSH_OK, "key");
  need(ssh_userauth_publickey(session, NULL, private_key) == SSH_AUTH_SUCCESS, "log in");

  ssh_channel take = start(words[7]);
  FILE *data = fopen(words[6], "rb");
  while ((length = fread(bytes, 1, sizeof bytes, data)) > 0) need(ssh_channel_write(take, bytes, length) == length, "write");
  ssh_channel_send_eof(take);
  need(ssh_channel_read(take, bytes, sizeof bytes, 0) == 0, "end");
  need(ssh_channel_get_exit_status(take) == 0, "status");

  ssh_channel give = start(words[8]);
  FILE *back = fopen(words[9], "wb");
  while ((length = ssh_channel_read(give, bytes, sizeof bytes, 0)) > 0) fwrite(bytes, 1, length, back);
  need(length == 0, "read");
  fclose(back);
  ssh_disconnect(session);
  return 0;
}
`;

/** Clients that do not support descriptor passing: each runs fdpass in its own way, and expects bytes. */
describe('clients other than ssh', () => {
  const { sshd, env } = useSshd();
  const data = randomBytes(SIZE);
  const inFolder = (name: string): string => join(sshd().folder, name);
  const programs = { ...NO_CONFIG, ...env };
  const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');
  const command = (...options: readonly string[]): string => quoted([process.execPath, FDPASS_BIN, ...options]);

  before(() => writeFileSync(inFolder('data'), data));

  /** The files and remote commands of one client. */
  function errands(client: string) {
    const [taken, back] = [inFolder(`${client}.taken`), inFolder(`${client}.back`)];
    return { take: `cat > ${taken}`, give: `cat ${inFolder('data')}`, taken, back };
  }

  function expectCarried(client: string): void {
    const { taken, back } = errands(client);
    for (const file of [taken, back]) expect(readFileSync(file).equals(data), file).to.equal(true);
  }

  /** Runs a client that takes the arguments of the programs above. */
  async function errand(client: string, program: readonly string[]): Promise<void> {
    const { take, give, back } = errands(client);
    const [first = '', ...rest] = program;
    const proxy = `${command('127.0.0.1', String(sshd().port))}`;
    const login = ['127.0.0.1', String(sshd().port), sshd().user, inFolder('user'), proxy];
    const ended = await run(first, [...rest, ...login, inFolder('data'), take, give, back], { env: programs });
    expectSuccess(ended);
    expectCarried(client);
  }

  function expectSuccess({ status, signal, stderr }: Finished): void {
    expect({ status, signal }, stderr).to.deep.equal({ status: 0, signal: null });
  }

  function requireFile(test: Mocha.Context, path: string): void {
    if (!existsSync(path)) skipOrFail(test, `not installed: ${path}`);
  }

  it('libssh: one socket as stdin and stdout, and its greeting comes first', async function () {
    requirePeers(this, 'gcc');
    requireFile(this, '/usr/include/libssh/libssh.h');
    writeFileSync(inFolder('libssh.c'), LIBSSH);
    const made = await run('gcc', ['-O0', '-o', inFolder('libssh'), inFolder('libssh.c'), '-lssh'], {});
    expectSuccess(made);
    await errand('libssh', [inFolder('libssh')]);
  });

  for (const [client, program] of Object.entries({ paramiko: PARAMIKO, asyncssh: ASYNCSSH })) {
    it(`${client}: pipes or sockets, as Python makes them`, async function () {
      requirePeers(this, 'python3');
      requireFile(this, `/usr/lib/python3/dist-packages/${client}`);
      writeFileSync(inFolder(`${client}-client.py`), program);
      await errand(client, ['/usr/bin/python3', inFolder(`${client}-client.py`)]);
    });
  }

  it('dropbear: two pipes', async function () {
    requirePeers(this, 'dbclient', 'dropbearconvert');
    const key = inFolder('dropbear');
    expectSuccess(await run('dropbearconvert', ['openssh', 'dropbear', inFolder('user'), key]));
    const { take, give, back } = errands('dropbear');
    const login = [
      '-y',
      '-y',
      '-T',
      '-i',
      key,
      '-J',
      command('127.0.0.1', String(sshd().port)),
      `${sshd().user}@127.0.0.1`,
    ];
    const home = { ...programs, HOME: sshd().folder };
    expectSuccess(await run('dbclient', [...login, take], { env: home, input: data }));
    const given = await run('dbclient', [...login, give], { env: home });
    expectSuccess(given);
    writeFileSync(back, given.stdout, 'latin1');
    expectCarried('dropbear');
  });

  it('socat: its EXEC needs --stdio', async function () {
    requirePeers(this, 'socat');
    const { take, give, back } = errands('socat');
    const words = [process.execPath, FDPASS_BIN, '--stdio', '127.0.0.1', String(sshd().port)].join(' ');
    const ProxyCommand = `socat - EXEC:"${words}"`;
    expectSuccess(await sshd().ssh(take, { ProxyCommand }, { env: programs, input: data }));
    const given = await sshd().ssh(give, { ProxyCommand }, { env: programs });
    expectSuccess(given);
    writeFileSync(back, given.stdout, 'latin1');
    expectCarried('socat');
  });

  it('ssh2: two sockets, as Node makes them', async () => {
    const { take, give, back } = errands('ssh2');
    const child: ChildProcess = spawn(process.execPath, [FDPASS_BIN, '127.0.0.1', String(sshd().port)], {
      env: { ...process.env, ...programs },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    const client = new Client();
    const ready = once(client, 'ready');
    client.connect({
      sock: Duplex.from({ readable: stdout, writable: stdin }),
      username: sshd().user,
      privateKey: readFileSync(inFolder('user')),
    });
    await ready;
    const exec = (line: string): Promise<ClientChannel> =>
      new Promise((resolve, reject) =>
        client.exec(line, (error, channel) => (error === undefined ? resolve(channel) : reject(error))),
      );
    const taking = await exec(take);
    const taken = once(taking.resume(), 'close');
    taking.end(data);
    await taken;
    writeFileSync(back, await buffer(await exec(give)));
    expectCarried('ssh2');
    const ended = once(child, 'exit');
    client.end();
    expect(await ended).to.deep.equal([0, null]);
  });
});
