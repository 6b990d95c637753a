import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { errnoName, FdpassError, reasonOf } from '@fdpass/core';
import { configPath, currentFolder, expandPath, homeFolder, makePrivateFolder, replaceFile } from '@fdpass/core/host';
import { type Arguments, checkCount, wrongWord } from './arguments.js';
import { askUser } from './ask-user.js';
import { formatProblem } from './check.js';
import { checkBuiltinConfig } from './command-framework.js';
import { print } from './print.js';
import { writeStderr } from './stderr.js';
import { ownStdout } from './stdout.js';
import { FDPASS } from './syntax.js';
import { configFolder } from './user-folder.js';

const ACTIONS: Readonly<Record<string, (file: string) => Promise<void>>> = { path, edit };

/** What an editor shows where there is no configuration yet. */
const FIRST_TEXT = `# fdpass: the first rule that matches wins. "fdpass strategies" lists what can be used.
rules:
  - use: happy-eyeballs
`;

/** `fdpass config path|edit`. */
export async function configFile(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  const action = ACTIONS[name ?? ''];
  if (action === undefined) throw wrongWord('config', name, Object.keys(ACTIONS));
  await action(chosenFile(args.value('config')));
  return 0;
}

/** The file that is used, or that would be if it existed. */
function chosenFile(written: string | undefined): string {
  const file = written === undefined ? undefined : expandPath(written, currentFolder());
  return configPath({ file }) ?? join(configFolder(homeFolder()), 'config.yaml');
}

async function path(file: string): Promise<void> {
  await print(`${file}\n`);
  if (!existsSync(file)) writeStderr(`fdpass: there is no configuration yet; "fdpass init" writes one there`);
}

/** Lets the user edit a copy until it has no errors. It is beside the file, so that relative paths mean the same. */
async function edit(file: string): Promise<void> {
  if (!makePrivateFolder(dirname(file)) && !existsSync(file))
    throw new FdpassError('config', `the folder ${dirname(file)} is open to others, or cannot be created`);
  const target = existsSync(file) ? realpathSync(file) : file; // it can be a link into a repository
  const before = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
  const copy = join(dirname(file), `.edit-${process.pid}${extname(file)}`);
  writeCopy(copy, before ?? FIRST_TEXT);
  try {
    const isRight = await editUntilRight(copy, file);
    const text = readFileSync(copy, 'utf8');
    if (text === before) return await print(`${file} was not changed\n`);
    if (!isRight) throw notReplaced(file, text, 'the new text has errors');
    const now = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
    if (now !== before) throw notReplaced(file, text, 'somebody else has changed it meanwhile');
    replaceFile(target, text, before === undefined ? undefined : statSync(target).mode & 0o777);
  } finally {
    rmSync(copy, { force: true });
  }
  await print(`${file} was changed\n`);
}

/** Returns true if it has no errors, and false if the user has given up. */
async function editUntilRight(copy: string, file: string): Promise<boolean> {
  for (;;) {
    await runEditor(copy);
    if (!(await showProblems(copy, file))) return true;
    if (!(await wantsToGoOn())) return false;
  }
}

/** The text is the user's work, so it is kept. */
function notReplaced(file: string, text: string, why: string): FdpassError {
  const kept = join(dirname(file), `rejected${extname(file)}`);
  replaceFile(kept, text);
  return new FdpassError('config', `${file} was not changed: ${why}`, { hint: `find your text in ${kept}` });
}

function writeCopy(copy: string, text: string): void {
  try {
    writeFileSync(copy, text, { flag: 'wx' });
    chmodSync(copy, 0o600);
  } catch (cause) {
    throw new FdpassError('config', `cannot write ${copy}: ${reasonOf(cause)}`, {
      hint: errnoName(cause) === 'EACCES' ? 'edit it as its owner, e.g. with sudo' : undefined,
      cause,
    });
  }
}

/** As git does: VISUAL and EDITOR are shell commands. It runs in the config's folder, not in one that can be a stranger's. */
async function runEditor(file: string): Promise<void> {
  const { VISUAL, EDITOR } = process.env;
  const editor = VISUAL || EDITOR || 'vi';
  const child = spawn('/bin/sh', ['-c', `${editor} "$@"`, editor, file], {
    stdio: ['inherit', ownStdout(), 'inherit'],
    cwd: dirname(file),
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0)
    throw new FdpassError('config', 'the editor failed, so nothing was changed', {
      hint: 'check VISUAL and EDITOR',
    });
}

/** Shows what is wrong, under the name of the real file. Returns whether there are errors. */
async function showProblems(copy: string, file: string): Promise<boolean> {
  const { problems } = await checkBuiltinConfig({ file: copy });
  for (const problem of problems) writeStderr(formatProblem(problem).replaceAll(copy, file));
  return problems.some(({ severity }) => severity === 'error');
}

/** Without a terminal there is nobody who could correct it. */
async function wantsToGoOn(): Promise<boolean> {
  const answer = await askUser('Edit it again? [Y/n] ');
  return answer !== undefined && !/^no?$/.test(answer);
}
