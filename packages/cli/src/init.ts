import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { errnoName, FdpassError, reasonOf } from '@fdpass/core';
import { configPath, homeFolder, makePrivateFolder, replaceFile } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { askUser } from './ask-user.js';
import { checkBuiltinConfig } from './command-framework.js';
import { applyEdits, formatDiff } from './init/diff.js';
import { type ConvertedRule, makePlan, type Plan, type Surroundings } from './init/plan.js';
import { sshWord } from './init/shell-words.js';
import { linesIn, readLine, readSshConfig, type SshConfigFile } from './init/ssh-config.js';
import { print } from './print.js';
import { findInPath } from './program-path.js';
import { shownPath } from './shown-path.js';
import { askSsh, findSsh } from './ssh-settings.js';
import { FDPASS } from './syntax.js';
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
  await checkAccepted(sshConfig);
  const plan = await validPlan({
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

/** ssh makes no connection while it refuses a file, so init could only make it worse. @throws FdpassError `config` if ssh refuses the file */
async function checkAccepted({ path, lines }: SshConfigFile): Promise<void> {
  const ssh = findSsh();
  if (ssh !== undefined && lines.length > 0) await askSsh(ssh, { host: 'localhost', file: path });
}

/** A plan whose rules fdpass accepts: one mistake in a configuration keeps every host from being reached. */
async function validPlan(around: Surroundings): Promise<Plan> {
  const plan = makePlan(around);
  const areValid = await Promise.all(plan.converted.map(isValid));
  const refused = new Set(plan.converted.filter((_, at) => areValid[at] === false).map(({ index }) => index));
  return refused.size === 0
    ? plan
    : validPlan({ ...around, refused: new Set([...refused, ...(around.refused ?? [])]) });
}

async function isValid({ rule }: ConvertedRule): Promise<boolean> {
  if (JSON.stringify(rule).includes('\uFFFD')) return false; // a host whose name is not UTF-8
  const { problems } = await checkBuiltinConfig({ content: { rules: [rule] }, baseDir: '/' });
  return !problems.some(({ severity }) => severity === 'error');
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
  const { value } = readLine(line);
  const [program = ''] = /^(exec\s+)?[\w./~+-]+(?=\s)/.exec(value) ?? [];
  return `${line.slice(0, line.indexOf(value))}${program}${program === '' ? '' : ' '}…`;
}

/** The command in ssh_config: by its name if ssh finds it, else by its path. */
function ownCommandForSsh(): string {
  const script = process.argv[1] ?? FDPASS.name;
  const inPath = findInPath(FDPASS.name);
  if (inPath !== undefined && realpathSync(inPath) === realpathSync(script)) return FDPASS.name;
  return sshWord(script);
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

/** What is there before, and what takes its place. */
interface Replacement {
  /** Where ssh_config is: the path can be a link into a repository. */
  readonly target: string;
  readonly backup: string;
  readonly before: Stats | undefined;
  readonly old: Buffer;
  readonly fresh: Buffer;
}

/** The config first: if it cannot be written, ssh still works as before. Until ssh_config is replaced, all can be undone. */
function write({ config, secrets, sshEdits }: Plan, file: string, sshConfig: SshConfigFile): void {
  const folder = dirname(file);
  const replacement = sshEdits.length === 0 ? undefined : replacementOf(sshConfig, sshEdits);
  const made: string[] = [];
  const make = (path: string, content: string | Buffer, mode?: number): void => {
    attempt(path, () => writeNew(path, content, mode));
    made.push(path);
  };
  try {
    if (!attempt(folder, () => makePrivateFolder(folder))) throw cannotWrite(folder, 'it is open to others');
    for (const { name, text } of secrets) make(join(folder, name), `${text}\n`);
    make(file, `${config.join('\n')}\n`);
    if (replacement === undefined) return;
    const { target, backup, before, old, fresh } = replacement;
    const mode = before && before.mode & 0o777;
    attempt(target, () => mkdirSync(dirname(target), { mode: 0o700, recursive: true }));
    if (before !== undefined) make(backup, old, mode);
    attempt(target, () => replaceFile(target, fresh, mode));
  } catch (error) {
    for (const path of made) rmSync(path, { force: true });
    throw error;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cannotWrite(path, errnoName(cause) === 'EEXIST' ? 'it exists' : reasonOf(cause), cause);
  }
}

/** @throws FdpassError `config` if ssh_config cannot be replaced, or is not what the plan was made of */
function replacementOf({ path, lines }: SshConfigFile, edits: Plan['sshEdits']): Replacement {
  const target = existsSync(path) ? realpathSync(path) : path;
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && target === path)
    throw cannotWrite(path, 'it is a link to a file that does not exist');
  const before = statSync(target, { throwIfNoEntry: false });
  if (before?.isFile() === false) throw cannotWrite(target, 'it is not a file');
  if (before !== undefined && before.uid !== process.geteuid?.())
    throw cannotWrite(target, 'it belongs to another user');
  const backup = `${target}.before-fdpass`;
  if (before !== undefined && existsSync(backup)) throw cannotWrite(backup, 'it exists');
  const old = before === undefined ? Buffer.alloc(0) : readFileSync(target);
  if (linesIn(old.toString()).join('\n') !== lines.join('\n')) throw cannotWrite(target, 'it has changed meanwhile');
  return { target, backup, before, old, fresh: edited(old, edits) };
}

/** Lines that stay keep their bytes, which need not be UTF-8. */
function edited(old: Buffer, edits: Plan['sshEdits']): Buffer {
  const asBytes = (line: string): string => Buffer.from(line).toString('latin1');
  const lines = applyEdits(
    linesIn(old.toString('latin1')),
    edits.map((edit) => ({ ...edit, lines: edit.lines.map(asBytes) })),
  );
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

/** Makes a file in one step: it is there as a whole, or not at all. @throws a system error; EEXIST if it is there already */
function writeNew(file: string, content: string | Buffer, mode = 0o600): void {
  const fresh = `${file}.${process.pid}`;
  try {
    writeFileSync(fresh, content, { mode, flag: 'wx' });
    linkSync(fresh, file);
  } catch (cause) {
    if (!NO_LINKS.has(errnoName(cause) ?? '')) throw cause;
    writeFileSync(file, content, { mode, flag: 'wx' });
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** What a file system without hard links says, and Android. */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

function cannotWrite(path: string, why: string, cause?: unknown): FdpassError {
  return new FdpassError('config', `cannot write ${path}, so ssh_config was not changed: ${why}`, { cause });
}
