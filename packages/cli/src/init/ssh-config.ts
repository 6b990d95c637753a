import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoName, FdpassError, reasonOf } from '@fdpass/core';
import { expandPath } from '@fdpass/core/host';
import { shownPath } from '../shown-path.js';

/** A file of ssh_config(5), as lines. */
export interface SshConfigFile {
  readonly path: string;
  /** Without their ends; empty where there is no file. */
  readonly lines: readonly string[];
}

/** A line `Keyword value`, and the block that it belongs to. */
export interface SshSetting {
  /** From 0. */
  readonly index: number;
  /** In lower case. */
  readonly keyword: string;
  readonly value: string;
  readonly block: SshBlock;
}

/** The hosts that a setting is for. */
export interface SshBlock {
  /** The patterns of a `Host` line; undefined for a `Match`, whose conditions only ssh can tell. */
  readonly patterns: readonly string[] | undefined;
  /** Whether it applies only when ssh reads its files again: after everything that the first pass has set. */
  readonly isFinal: boolean;
  /** Set somewhere in the block: whether its ProxyCommand passes a descriptor. */
  readonly saysUseFdpass: boolean;
}

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

const EVERY_HOST = ['*'];

/** What has no lines for ssh either: a folder that an Include with a `*` names is like an empty file. */
const WITHOUT_LINES = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** @throws FdpassError `config` if it cannot be read */
export function readSshConfig(path: string): SshConfigFile {
  return { path, lines: linesIn(readText(path)) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (WITHOUT_LINES.has(errnoName(cause) ?? '')) return '';
    const hint = 'make it readable for yourself: ssh needs it too';
    throw new FdpassError('config', `cannot read ${shownPath(path)}: ${reasonOf(cause)}`, { hint, cause });
  }
}

/** The lines of a text without their ends; none in an empty one. */
export function linesIn(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The settings in their order. */
export function settingsOf({ lines }: SshConfigFile): SshSetting[] {
  const settings: SshSetting[] = [];
  let block: Changing<SshBlock> = { patterns: EVERY_HOST, isFinal: false, saysUseFdpass: false };
  for (const [index, line] of lines.entries()) {
    const { keyword, value } = readLine(line);
    if (keyword === 'host') block = { patterns: wordsOf(value), isFinal: false, saysUseFdpass: false };
    else if (keyword === 'match') block = { ...blockOfMatch(wordsOf(value).join(' ')), saysUseFdpass: false };
    else if (keyword !== '') settings.push({ index, keyword, value, block });
    if (keyword === 'proxyusefdpass') block.saysUseFdpass = true; // the settings of the block share it
  }
  return settings;
}

function blockOfMatch(conditions: string): Pick<SshBlock, 'patterns' | 'isFinal'> {
  const isFinal = /(^| )(final|canonical)( |$)/i.test(conditions);
  return { patterns: /^all$/i.test(conditions) ? EVERY_HOST : undefined, isFinal };
}

/** ssh takes no equals sign for a separator after a keyword in quotes. */
const LINE = /^[ \t\r]*(?:"([A-Za-z0-9]+)"[ \t\r]*|([A-Za-z0-9]+)(?:[ \t\r]*=[ \t\r]*|[ \t\r]+))(.*?)[ \t\r\f]*$/;

/** A line taken apart, its keyword in lower case; both are empty for a comment or an empty line. */
export function readLine(line: string): Pick<SshSetting, 'keyword' | 'value'> {
  const [, quoted, written = quoted ?? '', value = ''] = LINE.exec(line) ?? [];
  return { keyword: written.toLowerCase(), value };
}

/** A word of a value: quotes of either kind can be anywhere in it, and a backslash escapes them. */
const WORD = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^ \t"'\\])+/g;
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\\(["'\\ ])/g;

/** The words of a value, as ssh takes it apart: one that begins with `#` begins a comment. */
function wordsOf(value: string): string[] {
  const words = [...value.matchAll(WORD)].map(([word]) => word);
  const end = words.findIndex((word) => word.startsWith('#'));
  return (end === -1 ? words : words.slice(0, end)).map((word) =>
    word.replace(QUOTED, (_, double, single, escaped) => double ?? single ?? escaped),
  );
}

/** The files that `Include` lines name, those in them too. A relative path starts at the folder of the user's file. */
export function includedFiles(file: SshConfigFile, folder: string = dirname(file.path), depth = 0): SshConfigFile[] {
  if (depth > 16) return []; // as ssh
  const names = settingsOf(file).flatMap(({ keyword, value }) => (keyword === 'include' ? wordsOf(value) : []));
  const files = names.flatMap((name) => matchingFiles(expandPath(name, folder))).map(readSshConfig);
  return files.flatMap((each) => [each, ...includedFiles(each, folder, depth + 1)]);
}

/** The files that a path with `*` and `?` means. */
function matchingFiles(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.reduce((folders, part) => folders.flatMap((folder) => entriesLike(folder, part)), ['/']);
}

function entriesLike(folder: string, pattern: string): string[] {
  if (!/[*?]/.test(pattern)) return [join(folder, pattern)].filter((path) => existsSync(path));
  const written = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  const matcher = new RegExp(`^${written}$`);
  const names = namesIn(folder).filter((name) => matcher.test(name) && !name.startsWith('.'));
  return names.sort().map((name) => join(folder, name));
}

/** No names in what is not a folder, or cannot be read, as in glob(3). */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
