import { copyFileSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { errnoName, FdpassError, reasonOf } from '@fdpass/core';
import { configPath, homeFolder, makePrivateFolder, replaceFile } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { askUser } from './ask-user.js';
import { applyEdits, formatDiff } from './init/diff.js';
import { makePlan, type Plan } from './init/plan.js';
import { readSshConfig, type SshConfigFile } from './init/ssh-config.js';
import { print } from './print.js';
import { findInPath } from './program-path.js';
import { shownPath } from './shown-path.js';
import { FDPASS } from './usage.js';
import { configFolder } from './user-folder.js';

/** Where Tor listens, and where the Tor Browser does. */
const TOR_PORTS = [9050, 9150];
/** Enough, since loopback answers at once. */
const TOR_LIMIT_MS = 500;

/** `fdpass init`: writes the config and the ssh_config lines that do what this machine does now. */
export async function init(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 0);
  const home = homeFolder();
  const found = configPath({});
  const folder = configFolder(home);
  const systemConfig = found !== undefined && dirname(found) === '/etc/fdpass' ? found : undefined;
  const existing = systemConfig === undefined ? found : undefined;
  const sshConfig = readSshConfig(join(home, '.ssh/config'));
  const plan = makePlan({
    environment: process.env,
    sshConfig,
    torPort: await findTor(),
    systemConfig,
    command: ownCommandForSsh(),
  });
  const config = existing ?? join(folder, 'config.yaml');
  await print(`${describe(plan, config, existing !== undefined, sshConfig).join('\n')}\n`);
  if (existing !== undefined || args.flag('dry-run')) return 0;
  if (!args.flag('yes') && !(await agrees())) return print('nothing was changed\n').then(() => 0);
  write(plan, config, sshConfig);
  await print('\nDone. To see the route of a host: fdpass explain HOST\n');
  return 0;
}

function describe(plan: Plan, config: string, isThere: boolean, sshConfig: SshConfigFile): string[] {
  const { config: lines, secrets, sshEdits, notes } = plan;
  const added = { index: 0, removed: 0, lines };
  const name = shownPath(config);
  return [
    ...(isThere
      ? [`${name} exists and will not be changed. These lines would do what your set-up does:`, ...lines]
      : []),
    ...(isThere ? [] : formatDiff(name, [], [added], { isNew: true })),
    ...secrets.map(
      (secret) => `a password goes into ${shownPath(join(dirname(config), secret.name))}, which only you can read`,
    ),
    '',
    ...formatDiff(shownPath(sshConfig.path), sshConfig.lines, sshEdits, {
      isNew: sshConfig.lines.length === 0,
      hide: withoutArguments,
    }),
    ...(notes.length > 0 ? ['', ...notes] : []),
    ...(isThere ? ['', `nothing was changed, since ${name} exists: make these changes by hand`] : []),
  ];
}

/** Shows only the program of a command, since an argument can be a password. */
function withoutArguments(line: string): string {
  return line.replace(/^(\s*ProxyCommand(?:\s*=\s*|\s+)(?:exec\s+)?[\w./+-]+\s).*$/i, '$1…');
}

/** The command in ssh_config: by its name if ssh finds it, else by its path. */
function ownCommandForSsh(): string {
  const script = process.argv[1] ?? FDPASS.name;
  const inPath = findInPath(FDPASS.name);
  if (inPath !== undefined && realpathSync(inPath) === realpathSync(script)) return FDPASS.name;
  return `'${script.replaceAll('%', '%%')}'`;
}

async function findTor(): Promise<number | undefined> {
  const answers = await Promise.all(TOR_PORTS.map(isListening));
  return TOR_PORTS.find((_, index) => answers[index]);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: TOR_LIMIT_MS });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false)).once('timeout', () => answer(false));
  });
}

/** @throws FdpassError `usage` if there is nobody to ask */
async function agrees(): Promise<boolean> {
  const answer = await askUser('\nMake these changes? [y/N] ');
  if (answer !== undefined) return /^y(es)?$/.test(answer);
  throw new FdpassError('usage', 'nothing was changed: there is no terminal to ask on', {
    hint: 'add --yes to make these changes',
  });
}

/** The config first: if it cannot be written, ssh still works as before. */
function write({ config, secrets, sshEdits }: Plan, file: string, sshConfig: SshConfigFile): void {
  const folder = dirname(file);
  const target = existsSync(sshConfig.path) ? realpathSync(sshConfig.path) : sshConfig.path; // it can be a link into a repository
  const old = statSync(target, { throwIfNoEntry: false });
  const backup = `${target}.before-fdpass`;
  if (existsSync(backup)) throw cannotWrite(backup, 'it exists');
  if (!makePrivateFolder(folder)) throw cannotWrite(folder, 'it is open to others');
  for (const { name, text } of secrets) writeNew(join(folder, name), `${text}\n`);
  writeNew(file, `${config.join('\n')}\n`);
  if (sshEdits.length === 0) return;
  mkdirSync(dirname(target), { mode: 0o700, recursive: true });
  if (old !== undefined) copyFileSync(target, backup);
  replaceFile(target, `${applyEdits(sshConfig.lines, sshEdits).join('\n')}\n`, old && old.mode & 0o777);
}

/** @throws FdpassError `config` if it exists: nothing is ever overwritten */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw cannotWrite(file, errnoName(cause) === 'EEXIST' ? 'it exists' : reasonOf(cause), cause);
  }
}

function cannotWrite(path: string, why: string, cause?: unknown): FdpassError {
  return new FdpassError('config', `cannot write ${path}, so ssh_config was not changed: ${why}`, { cause });
}
