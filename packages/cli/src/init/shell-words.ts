import { FdpassError } from '@fdpass/core';

/** What only a shell can do: pipes, lists, redirections, substitutions, patterns. */
const NEEDS_SHELL = /[|&;<>()$`*?{}\n]/;
/** What a command says is of no use to fdpass, which shows it itself. */
const SILENCED = /\s+2>\s*\/dev\/null\s*$/;

/**
 * The words of a command line, as sh(1) takes it apart.
 *
 * @throws FdpassError `config` if only a shell can run it.
 */
export function shellWords(line: string): string[] {
  const text = line
    .trim()
    .replace(/^exec\s+/, '')
    .replace(SILENCED, '');
  const words: string[] = [];
  let word: string | undefined;
  for (const [piece = ''] of text.matchAll(/\s+|'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\]+|./gs)) {
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + unquoted(piece);
    }
  }
  return word === undefined ? words : [...words, word];
}

function unquoted(piece: string): string {
  if (/^'.*'$/s.test(piece)) return piece.slice(1, -1);
  if (/^\\./s.test(piece)) return piece.slice(1);
  const isQuoted = /^".*"$/s.test(piece) && piece.length > 1;
  const isShells = isQuoted ? /(?<!\\)[$`]/.test(piece) : NEEDS_SHELL.test(piece) || /^['"\\]/.test(piece);
  if (isShells) throw new FdpassError('config', 'it needs a shell');
  return isQuoted ? piece.slice(1, -1).replace(/\\([$`"\\])/g, '$1') : piece;
}

/** A word in quotes, as a ProxyCommand has it: ssh takes a percent sign for a token, and refuses a quote that is not closed. */
export function sshWord(word: string): string {
  return `'${word.replaceAll('%', '%%').replaceAll("'", "'\\''")}'`;
}
