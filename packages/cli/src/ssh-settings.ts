import { FdpassError, oneLine } from '@fdpass/core';
import { readLine, readSshConfig } from './init/ssh-config.js';
import { findInPath } from './program-path.js';
import { runProgram } from './run-program.js';
import { type IncludedFile, readSshLog, type SshPass } from './ssh-log.js';

/** What is asked of ssh: what it would do for `ssh -p PORT -l USER HOST`. */
export interface SshQuestion {
  /** As the user would type it. */
  readonly host: string;
  readonly port?: string | undefined;
  readonly user?: string | undefined;
  /** In place of the HostName of its files. */
  readonly hostName?: string | undefined;
  /** In place of its files. */
  readonly file?: string | undefined;
}

/** A line of a file of ssh_config(5) that applies to a host. */
export interface SshLine {
  /** In lower case. */
  readonly keyword: string;
  readonly value: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `FILE:LINE` of the Host or Match line that it belongs to; `FILE:0` before the first one. */
  readonly block: string;
}

/** What ssh does for a host. */
export interface SshSettings {
  readonly host: string;
  /** The program that was asked. */
  readonly program: string;
  /** The value that counts, as `ssh -G` writes it; undefined for one that is not set, or that this ssh does not know. */
  value(keyword: string): string | undefined;
  /** Lines that apply, in the order in which ssh reads them: the first of each keyword counts. */
  readonly lines: readonly SshLine[];
  /** All files that ssh has read, in that order, also those that are included in blocks that do not apply. */
  readonly files: readonly string[];
}

/** `Match exec` can take its time, and so can canonicalizing a host name. */
const LIMIT_MS = 20_000;

/** The ssh that a shell would run. Undefined if there is none. */
export function findSsh(): string | undefined {
  return findInPath('ssh');
}

/**
 * Asks `ssh -G`. Nothing is connected; commands of `Match exec` run, as they do for ssh.
 *
 * @param program Of {@link findSsh}.
 * @throws FdpassError `config` if ssh refuses its own settings.
 */
export async function askSsh(program: string, question: SshQuestion): Promise<SshSettings> {
  const { host, port, user, hostName, file } = question;
  const options = [
    ...(file === undefined ? [] : ['-F', file]),
    ...(port === undefined ? [] : ['-p', port]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(hostName === undefined ? [] : ['-o', `HostName=${hostName.replaceAll('%', '%%')}`]),
  ];
  const words = [program, '-G', '-T', '-vvv', ...options, '--', host] as const;
  const { status, stdout, stderr, isLate } = await runProgram(words, { timeoutMs: LIMIT_MS });
  if (isLate) throw new FdpassError('timeout', `"ssh -G" did not answer within ${LIMIT_MS / 1000} s`, SLOW);
  if (status !== 0) throw new FdpassError('config', `ssh refuses its own settings: ${complaintIn(stderr)}`, WRONG);
  const values = new Map(stdout.split('\n').map((line) => splitOnce(line)));
  const passes = readSshLog(stderr);
  return {
    host,
    program,
    value: (keyword) => values.get(keyword),
    lines: eachOnce(passes.flatMap(linesOf)),
    files: passes[0] === undefined ? [] : filesOf(passes[0]),
  };
}

const SLOW = { hint: 'check the commands of "Match exec" lines in ssh_config' };
const WRONG = { hint: 'correct that file: until then ssh does not connect at all' };

/** What ssh says besides its log. */
function complaintIn(stderr: string): string {
  const lines = stderr
    .split(/\r?\n/)
    .filter((line) => line !== '' && !/^debug\d: |^OpenSSH_|^Pseudo-terminal/.test(line));
  return oneLine(lines[0] ?? 'it does not say why');
}

function splitOnce(line: string): [keyword: string, value: string] {
  const [keyword = '', ...rest] = line.split(' ');
  return [keyword, rest.join(' ')];
}

function filesOf({ files, includes }: SshPass): string[] {
  return [...new Set([...files, ...[...includes.values()].flat().map(({ file }) => file)])];
}

/** The first of those that ssh has read again: in its second pass, or in a file that is included twice. */
function eachOnce(lines: readonly SshLine[]): SshLine[] {
  const seen = new Set<string>();
  return lines.filter(({ file, line }) => {
    const place = `${file}:${line}`;
    const isFirst = !seen.has(place);
    seen.add(place);
    return isFirst;
  });
}

/** Goes through the files as ssh has. */
function linesOf(pass: SshPass): SshLine[] {
  const matches = [...pass.matches];
  const includes = new Map([...pass.includes].map(([place, files]) => [place, [...files]]));
  const walk = (path: string, isOuterActive: boolean): SshLine[] => {
    let isActive = isOuterActive;
    let block = `${path}:0`;
    return readSshConfig(path).lines.flatMap((text, index): SshLine[] => {
      const { keyword, value } = readLine(text);
      const place = `${path}:${index + 1}`;
      if (keyword === 'host' || keyword === 'match') block = place;
      if (keyword === 'host') isActive = isOuterActive && pass.hosts.has(place);
      else if (keyword === 'match') isActive = matches.shift() === true && isOuterActive;
      else if (keyword === 'include')
        return takeIncluded(includes.get(place) ?? []).flatMap(({ file, applies }) => walk(file, applies));
      else if (keyword !== '' && isActive) return [{ keyword, value, file: path, line: index + 1, block }];
      return [];
    });
  };
  return pass.files.flatMap((file) => walk(file, true));
}

/** Takes from the files of an Include line what ssh has read at once: a name that comes again begins the next time. */
function takeIncluded(files: IncludedFile[]): IncludedFile[] {
  const again = files.findIndex(({ file }, index) => files.slice(0, index).some((earlier) => earlier.file === file));
  return files.splice(0, again === -1 ? files.length : again);
}
