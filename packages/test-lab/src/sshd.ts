import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Background, startServer, startServerIn } from './background.js';
import { findProgram } from './peers.js';
import { type Finished, PATIENCE_MS, type RunOptions, run } from './processes.js';

/** A real OpenSSH server on loopback that lets the current user in, and clients that are set up for it. */
export interface Sshd {
  /** Where it listens. */
  readonly port: number;
  /** A folder for the test's own use too; removed by `close`. */
  readonly folder: string;
  /** Who may log in: the current user. */
  readonly user: string;
  /** Options for ssh, scp and sftp: complete, so that nothing of the user's own settings takes part. */
  options(more?: Readonly<Record<string, string | number>>): string[];
  /** The same for ssh_config: a block that makes `alias` mean this server. */
  configBlock(alias: string, more?: Readonly<Record<string, string | number>>): string;
  /** Runs `ssh` to `host` with a remote command. */
  ssh(
    remoteCommand: string,
    more?: Readonly<Record<string, string | number>>,
    options?: SshRunOptions,
  ): Promise<Finished>;
  /** What the server has logged. */
  log(): string;
  /** Ends it and what it has started, and removes its files. */
  close(): Promise<void>;
}

/** How {@link Sshd}'s `ssh` runs a client. */
export interface SshRunOptions extends RunOptions {
  /** Default `localhost`. */
  readonly host?: string | undefined;
}

/** How {@link startSshd} runs a server. */
export interface SshdOptions {
  /** Addresses to listen on. Default 127.0.0.1 and ::1. */
  readonly listen?: readonly string[] | undefined;
  /** Added to our own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Settings of sshd_config(5) that are to be others than those of all tests. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
}

/** Starts sshd on a free port; the caller closes it, which ends its sessions too. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { port, folder, output, close } = await startServerIn((own) => launch(own, options));
  return { ...clients(folder, port), port, folder, log: output, close };
}

async function launch(
  folder: string,
  { listen = ['127.0.0.1', '::1'], env, settings = {} }: SshdOptions,
): Promise<Background> {
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)], { timeout: PATIENCE_MS });
  copyFileSync(join(folder, 'user.pub'), join(folder, 'authorized_keys'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }); // its privilege separation wants it
  const config = join(folder, 'sshd_config');
  return startServer(
    findProgram('sshd') ?? 'sshd',
    (port) => {
      writeFileSync(config, serverSettings(folder, listen, port, settings));
      return ['-D', '-e', '-f', config];
    },
    { env, host: listen[0] },
  );
}

function serverSettings(
  folder: string,
  listen: readonly string[],
  port: number,
  more: Readonly<Record<string, string | number>>,
): string {
  const settings: readonly (readonly [string, string | number])[] = [
    ['Port', port],
    ...listen.map((address) => ['ListenAddress', address] as const),
    ['HostKey', join(folder, 'host')],
    ['PidFile', 'none'],
    ['AuthorizedKeysFile', join(folder, 'authorized_keys')],
    ['StrictModes', 'no'],
    ['UsePAM', 'no'],
    ['PasswordAuthentication', 'no'],
    ['KbdInteractiveAuthentication', 'no'],
    ...sshdWithoutLimits(),
    ['Subsystem', 'sftp internal-sftp'],
    ['SetEnv', NO_STARTUP_FILES],
    ['KexAlgorithms', FAST_KEY_EXCHANGE],
    ['LogLevel', 'VERBOSE'],
  ];
  // Of most settings sshd takes the first, of some the last.
  const others = settings.filter(([name]) => !(name in more));
  return [...Object.entries(more), ...others].map(([name, value]) => `${name} ${value}\n`).join('');
}

/**
 * bash takes a session for an inner shell, and does not read the user's ~/.bashrc, which it does on Debian even for a single
 * command (SSH_SOURCE_BASHRC). What a developer has in there can take seconds, and print.
 */
const NO_STARTUP_FILES = 'SHLVL=1';

/** All but those with post-quantum keys, which take most of the processor time of a session that runs one command. */
const FAST_KEY_EXCHANGE = '-sntrup*,mlkem*';

/** Settings for a server that takes many connections at once, and goes on after some that do not log in, as those of tests. */
export function sshdWithoutLimits(): readonly (readonly [name: string, value: string])[] {
  return [['MaxStartups', '1000'], ...(hasPenalties() ? [['PerSourcePenalties', 'no'] as const] : [])];
}

/** OpenSSH has them since 9.8, and an older one takes no setting that it does not know. */
function hasPenalties(): boolean {
  const version = /OpenSSH_(\d+)\.(\d+)/.exec(spawnSync('ssh', ['-V'], { encoding: 'utf8' }).stderr);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  return major > 9 || (major === 9 && minor >= 8);
}

function clients(folder: string, port: number): Pick<Sshd, 'user' | 'options' | 'configBlock' | 'ssh'> {
  const { username: user } = userInfo();
  const settings = (more: Readonly<Record<string, string | number>> = {}) =>
    Object.entries({
      BatchMode: 'yes',
      ConnectTimeout: PATIENCE_MS / 1000,
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      IdentityFile: join(folder, 'user'),
      LogLevel: 'ERROR',
      Port: port,
      StrictHostKeyChecking: 'no',
      UserKnownHostsFile: join(folder, 'known_hosts'),
      GlobalKnownHostsFile: '/dev/null',
      ...more,
    });
  const options = (more?: Readonly<Record<string, string | number>>): string[] => [
    '-F',
    'none',
    ...settings(more).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
  return {
    user,
    options,
    configBlock: (alias, more) => {
      const lines = settings({ HostName: '127.0.0.1', User: user, ...more });
      return [`Host ${alias}`, ...lines.map(([name, value]) => `  ${name} ${value}`), ''].join('\n');
    },
    ssh: (command, more, { host = 'localhost', ...rest } = {}) =>
      run('ssh', [...options(more), `${user}@${host}`, command], rest),
  };
}
