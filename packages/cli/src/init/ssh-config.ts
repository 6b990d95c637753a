import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expandPath } from '@fdpass/core/host';

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
  /** Set somewhere in the block: whether its ProxyCommand passes a descriptor. */
  readonly saysUseFdpass: boolean;
}

const EVERY_HOST = ['*'];

export function readSshConfig(path: string): SshConfigFile {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return { path, lines: text === '' ? [] : text.replace(/\n$/, '').split('\n') };
}

/** The settings in their order. */
export function settingsOf({ lines }: SshConfigFile): SshSetting[] {
  const settings: SshSetting[] = [];
  let block = { patterns: EVERY_HOST as readonly string[] | undefined, saysUseFdpass: false };
  for (const [index, line] of lines.entries()) {
    const { keyword, value } = readLine(line);
    if (keyword === 'host') block = { patterns: wordsOf(value), saysUseFdpass: false };
    else if (keyword === 'match')
      block = { patterns: /^all$/i.test(value) ? EVERY_HOST : undefined, saysUseFdpass: false };
    else if (keyword !== '') settings.push({ index, keyword, value, block });
    if (keyword === 'proxyusefdpass') block.saysUseFdpass = true; // the settings of the block share it
  }
  return settings;
}

/** A line taken apart, its keyword in lower case; both are empty for a comment or an empty line. */
export function readLine(line: string): Pick<SshSetting, 'keyword' | 'value'> {
  const [, written = '', value = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
  return { keyword: written.toLowerCase(), value };
}

function wordsOf(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** The files that `Include` lines name, those in them too. A relative path starts at the folder of the user's file. */
export function includedFiles(file: SshConfigFile, folder: string = dirname(file.path), depth = 0): SshConfigFile[] {
  if (depth > 16) return []; // as ssh
  const names = settingsOf(file).flatMap(({ keyword, value }) => (keyword === 'include' ? wordsOf(value) : []));
  const files = names.flatMap((name) => matchingFiles(expandPath(name, folder))).map(readSshConfig);
  return files.flatMap((each) => [each, ...includedFiles(each, folder, depth + 1)]);
}

/** The files that a path with `*` and `?` in its last part means. */
function matchingFiles(path: string): string[] {
  const folder = dirname(path);
  if (!/[*?]/.test(basename(path))) return existsSync(path) ? [path] : [];
  if (!existsSync(folder)) return [];
  const pattern = basename(path)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const names = readdirSync(folder).filter((name) => new RegExp(`^${pattern}$`).test(name) && !name.startsWith('.'));
  return names.sort().map((name) => join(folder, name));
}
