import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInLab, temporaryFolder } from '@fdpass/test-lab';
import { type DocBlock, placeOf } from './doc-blocks.spec.helper.js';

/** What a reader types after a prompt, and what the page says that the terminal then shows. */
export interface DocStep {
  readonly place: string;
  readonly command: string;
  readonly shown: string;
}

/** A file of the reader's, which a block shows whole: its first line names it, as in `# ~/.ssh/config`. */
export interface DocFile {
  /** From the home folder. */
  readonly path: string;
  readonly text: string;
}

/** A page as somebody who does all of it, from the top to the bottom, in one shell. */
export type DocSession = readonly (DocStep | DocFile)[];

/** A step that was taken. */
export interface DoneStep extends DocStep {
  /** What the terminal really showed. */
  readonly output: string;
}

const HOME_FILE = /^# ~\/(\S+)/;
const PROMPT = /^\$ /;
const CONTINUED = /^> /;
/** The names of the network in which pages are tried; see doc-lab.spec.helper.ts for what listens there. */
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  'server.example': ['198.51.100.10'],
  'nas.example': ['198.51.100.11'],
  'bastion.example': ['198.51.100.12'],
  'proxy.example': ['198.51.100.20'],
  'refusing.example': ['198.51.100.30'],
  'closing.example': ['198.51.100.31'],
  'silent.example': ['198.51.100.32'],
};
const NAME_SERVER = '198.51.100.53';
const LAB = { addresses: [...Object.values(HOSTS).flat(), NAME_SERVER], hosts: HOSTS, nameServer: NAME_SERVER };

/** The files and commands of a page; blocks marked `no-run` are left out. */
export function sessionOf(blocks: readonly DocBlock[]): DocSession {
  return blocks
    .filter(({ noRun }) => noRun === undefined)
    .flatMap((block): DocSession => filesIn(block) ?? stepsIn(block));
}

export function isStep(part: DocStep | DocFile): part is DocStep {
  return 'command' in part;
}

function filesIn({ code }: DocBlock): DocFile[] | undefined {
  const [, path] = HOME_FILE.exec(code) ?? [];
  return path === undefined ? undefined : [{ path, text: code }];
}

/** In `console` blocks: `$ ` begins a command, `> ` continues it, and the lines after it are its output. */
function stepsIn(block: DocBlock): DocStep[] {
  if (block.language !== 'console') return [];
  const steps: { place: string; command: string; shown: string }[] = [];
  for (const [at, line] of block.code.trimEnd().split('\n').entries()) {
    const last = steps.at(-1);
    if (PROMPT.test(line)) {
      const place = placeOf({ ...block, line: block.line + at });
      steps.push({ place, command: line.replace(PROMPT, ''), shown: '' });
    } else if (last === undefined) {
      throw new Error(`${placeOf(block)}: a console begins with a prompt`);
    } else if (last.shown === '' && CONTINUED.test(line)) {
      last.command += `\n${line.replace(CONTINUED, '')}`;
    } else {
      last.shown += `${line}\n`;
    }
  }
  return steps;
}

/** Does what a page says, as a user with an empty home folder and `bin` in front of the PATH. Gives the commands' output. */
export async function runSession(session: DocSession, bin: string): Promise<DoneStep[]> {
  const folder = temporaryFolder();
  const inFolder = (name: string): string => join(folder.path, name);
  try {
    mkdirSync(inFolder('files'));
    writeFileSync(inFolder('session.sh'), scriptOf(session, inFolder));
    const inside = fileURLToPath(new URL('doc-lab.spec.helper.js', import.meta.url));
    const env = { DOC_FOLDER: folder.path, DOC_BIN: bin };
    const ended = await runInLab(LAB, [process.execPath, inside], { env, timeoutMs: 90_000 });
    if (ended.status !== 0) throw new Error(`the session ended with ${ended.status}: ${ended.stdout}${ended.stderr}`);
    const output = (step: DocStep): string => readFileSync(inFolder(`${session.indexOf(step)}.out`), 'utf8');
    return session.filter(isStep).map((step) => ({ ...step, output: output(step).replaceAll('\r', '') }));
  } finally {
    folder.remove();
  }
}

/** One shell for all of it: variables, the current folder and `$?` are those of the step before. */
function scriptOf(session: DocSession, inFolder: (name: string) => string): string {
  const lines = session.map((part, index) => {
    if (isStep(part)) return `{ ${part.command}\n} >'${inFolder(`${index}.out`)}' 2>&1 </dev/null`;
    writeFileSync(inFolder(`files/${index}`), part.text);
    return `mkdir -p ~/'${dirname(part.path)}' && cat '${inFolder(`files/${index}`)}' >~/'${part.path}'`;
  });
  return `umask 022\ncd\n${lines.join('\n')}\nexit 0\n`;
}

/**
 * What a page shows, as a pattern: times, ports and versions can be others. `…` stands for the rest of a line, and on a line
 * of its own for any lines.
 */
export function patternOf(shown: string): RegExp {
  const lines = shown.split('\n').map((line) => (line === '…' ? ANY_LINES : linePattern(line)));
  return new RegExp(`^${lines.join('\n').replaceAll(`${ANY_LINES}\n`, ANY_LINES)}$`);
}

const ANY_LINES = '(?:.*\n)*?';

function linePattern(line: string): string {
  return line
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\b\d+ ms/g, '\\d+ ms')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '\\S+ \\S+')
    .replace(/OpenSSH_[\w\\.]+( Debian-[\w\\.+]+)?/g, 'OpenSSH_[\\w.]+( [\\w.+-]+)?')
    .replace(/\b\d+\\\.\d+\\\.\d+$/g, '\\d+\\.\\d+\\.\\d+')
    .replace(/\b[345]\d{4}\b/g, '\\d+')
    .replaceAll('…', '.*');
}
