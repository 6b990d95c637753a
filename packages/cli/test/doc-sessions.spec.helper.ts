import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireLab, requirePeers, runInLab, skip, temporaryFolder } from '@fdpass/test-lab';
import type { Context } from 'mocha';
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
  'git.corp.example': ['198.51.100.10'],
  'service.onion': ['198.51.100.10'],
  'db.corp.example': ['198.51.100.11'],
  'nas.example': ['198.51.100.11'],
  nas: ['198.51.100.11'],
  'bastion.example': ['198.51.100.12'],
  'proxy.example': ['198.51.100.20'],
  'mail.example': ['198.51.100.33'],
  'two-proxies.example': ['198.51.100.30', '198.51.100.20'],
  'six-proxy.example': ['2001:db8:1::20'],
  'refusing.example': ['198.51.100.30'],
  'two.example': ['198.51.100.30', '198.51.100.10'],
  'six.example': ['2001:db8:1::10'],
  'closing.example': ['198.51.100.31'],
  'silent.example': ['198.51.100.32'],
};
const NAME_SERVER = '198.51.100.53';
/** The NAS at home, and an address of ours in that network. */
const AT_HOME = ['192.168.1.10', '192.168.1.20'];
const LAB = {
  addresses: [...new Set(Object.values(HOSTS).flat()), ...AT_HOME, NAME_SERVER],
  hosts: HOSTS,
  nameServer: NAME_SERVER,
};

/** The page that a new user begins with. */
export const FIRST_STEPS = 'docs/first-steps.md';

/** Skips the running test where the network of the pages cannot be. */
export function requireDocLab(test: Context): void {
  requireLab(test);
  requirePeers(test, 'ssh', 'sshd', 'microsocks', 'tinyproxy', 'bash');
  if (process.getuid?.() !== 0) skip(test, 'sshd in a namespace needs root');
  const debian = existsSync('/etc/debian_version') ? readFileSync('/etc/debian_version', 'utf8') : '';
  if (!debian.startsWith('12.')) skip(test, 'the pages show what the programs of Debian 12 print');
}

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
    const ended = await runInLab(LAB, [process.execPath, inside], { env, timeoutMs: 170_000 });
    if (ended.status !== 0) throw new Error(`the session ended with ${ended.status}: ${ended.stdout}${ended.stderr}`);
    const output = (step: DocStep): string => readFileSync(inFolder(`${session.indexOf(step)}.out`), 'utf8');
    return session.filter(isStep).map((step) => ({ ...step, output: inOrder(asOnTerminal(output(step))) }));
  } finally {
    folder.remove();
  }
}

/** Readers have a terminal, so ssh does not say to them that there is none. */
function asOnTerminal(output: string): string {
  return output.replaceAll('\r', '').replace(/^Pseudo-terminal will not be allocated .*\n/gm, '');
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
 * What a page shows, as a pattern: times and bars, ports and versions can be others. `…` stands for the rest of a line, and on a line
 * of its own for any lines.
 */
function patternOf(shown: string): RegExp {
  const lines = inOrder(shown)
    .split('\n')
    .map((line) => (line === '…' ? ANY_LINES : linePattern(line)));
  return new RegExp(`^${lines.join('\n').replaceAll(`${ANY_LINES}\n`, ANY_LINES)}$`);
}

/** What the page shows of a step if it is right, else what the terminal showed: a comparison then has both. */
export function shownOf({ shown, output }: DoneStep): string {
  return patternOf(shown).test(output) ? shown : output;
}

/** The answers to the two look-ups of a name, in one order: which is first is chance. */
function inOrder(output: string): string {
  return output.replace(/^(.* \(IPv6\): .*\n)(.* \(IPv4\): .*\n)/gm, '$2$1');
}

/** Those that Linux takes (ip_local_port_range). */
const EPHEMERAL_PORT = /\b(?:3[2-9]|[45]\d|60)\d{3}\b/g;

const ANY_LINES = '(?:.*\n)*?';

/** A row of `fdpass trace`: when, the bar, and how long, before what it was. */
const TRACE_ROW = /^ *[\d.]+ m?s {2}[ ━╷✗]*(?:[\d.]+ m?s)? +(?=[·✔✗<>-] )/;
const ANY_TRACE_ROW = ' *[\\d.]+ m?s {2}[ ━╷✗]*(?:[\\d.]+ m?s)? +';

function linePattern(line: string): string {
  const [row = ''] = TRACE_ROW.exec(line) ?? [];
  return `${row && ANY_TRACE_ROW}${textPattern(line.slice(row.length))}`;
}

function textPattern(text: string): string {
  return text
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/(?<=\S) {2,}/g, ' {2,}')
    .replace(/(?<=\S) ?\b\d+ ms/g, ' *[\\d.]+ m?s')
    .replace(/^\d+ ms/, '[\\d.]+ m?s')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '\\S+ \\S+')
    .replace(/OpenSSH_[\w\\.]+( Debian-[\w\\.+]+)?/g, 'OpenSSH_[\\w.]+( [\\w.+-]+)?')
    .replace(/\b\d+\\\.\d+\\\.\d+(?=$| starts)/g, '\\d+\\.\\d+\\.\\d+')
    .replace(EPHEMERAL_PORT, '\\d+')
    .replaceAll('…', '.*');
}
