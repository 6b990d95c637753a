import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { startServer, temporaryFolder } from './background.js';
import { findProgram } from './peers.js';
import { type Finished, type RunOptions, run } from './processes.js';

/** A real OpenSSH server on loopback that lets the current user in, and clients that are set up for it. */
export interface Sshd {
  readonly port: number;
  /** A folder for the test's own use too; removed by `close`. */
  readonly folder: string;
  readonly user: string;
  /** Options for ssh, scp and sftp: complete, so that nothing of the user's own settings takes part. */
  options(more?: Readonly<Record<string, string | number>>): string[];
  /** Runs `ssh` to `host` with a remote command. */
  ssh(
    remoteCommand: string,
    more?: Readonly<Record<string, string | number>>,
    options?: SshRunOptions,
  ): Promise<Finished>;
  /** What the server has logged. */
  log(): string;
  close(): Promise<void>;
}

export interface SshRunOptions extends RunOptions {
  /** Default `localhost`. */
  readonly host?: string | undefined;
}

export interface SshdOptions {
  /** Addresses to listen on. Default 127.0.0.1 and ::1. */
  readonly listen?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** Starts sshd on a free port; the caller closes it. */
export async function startSshd({ listen = ['127.0.0.1', '::1'], env }: SshdOptions = {}): Promise<Sshd> {
  const folder = temporaryFolder();
  const inFolder = (name: string): string => join(folder.path, name);
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', inFolder(name)]);
  copyFileSync(inFolder('user.pub'), inFolder('authorized_keys'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }); // its privilege separation wants it
  const settings = (port: number): string => {
    const lines: Record<string, string | number> = {
      Port: port,
      HostKey: inFolder('host'),
      PidFile: 'none',
      AuthorizedKeysFile: inFolder('authorized_keys'),
      StrictModes: 'no',
      UsePAM: 'no',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      MaxStartups: 1000,
      Subsystem: 'sftp internal-sftp',
      LogLevel: 'VERBOSE',
    };
    return [
      ...listen.map((address) => `ListenAddress ${address}`),
      ...Object.entries(lines).map(([name, value]) => `${name} ${value}`),
      '',
    ].join('\n');
  };
  const server = await startServer(
    findProgram('sshd') ?? 'sshd',
    (port) => {
      writeFileSync(inFolder('sshd_config'), settings(port));
      return ['-D', '-e', '-f', inFolder('sshd_config')];
    },
    { env, host: listen[0] },
  );
  const { username: user } = userInfo();
  const options = (more: Readonly<Record<string, string | number>> = {}): string[] => {
    const all = {
      BatchMode: 'yes',
      ConnectTimeout: 20,
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      IdentityFile: inFolder('user'),
      LogLevel: 'ERROR',
      Port: server.port,
      StrictHostKeyChecking: 'no',
      UserKnownHostsFile: inFolder('known_hosts'),
      GlobalKnownHostsFile: '/dev/null',
      ...more,
    };
    return ['-F', 'none', ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  };
  return {
    port: server.port,
    folder: folder.path,
    user,
    options,
    ssh: (command, more, { host = 'localhost', ...rest } = {}) =>
      run('ssh', [...options(more), `${user}@${host}`, command], rest),
    log: server.output,
    async close() {
      await server.close();
      folder.remove();
    },
  };
}
