import { FdpassError } from '../ground/errors.js';

/** A login of a netrc file (ftp(1), curl's --netrc). */
export interface NetrcEntry {
  readonly login?: string | undefined;
  readonly password?: string | undefined;
}

/**
 * The entry for `machine`, narrowed by `login` if given, else the `default` entry. `macdef` bodies are skipped.
 *
 * A word in the wrong place would put what follows it into another machine's entry, so an entry with a mistake in it is
 * never used.
 *
 * @param file Its path, for errors, which show nothing else of it.
 * @throws FdpassError `config` with the place of a quote that is not closed, or of the first mistake in the entry.
 */
export function findNetrcEntry(
  text: string,
  machine: string,
  login: string | undefined,
  file: string,
): NetrcEntry | undefined {
  const entries = new NetrcReader(text, file).readEntries();
  const fits = (entry: ParsedEntry): boolean =>
    login === undefined || entry.login === undefined || entry.login === login;
  const found =
    entries.find((entry) => entry.machine?.toLowerCase() === machine.toLowerCase() && fits(entry)) ??
    entries.find((entry) => entry.machine === undefined && fits(entry));
  if (found?.mistake !== undefined) throw found.mistake;
  return found;
}

interface ParsedEntry {
  /** Undefined for `default`. */
  readonly machine: string | undefined;
  login?: string | undefined;
  password?: string | undefined;
  mistake?: FdpassError;
}

interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
  /** Where it begins. */
  readonly at: number;
}

const KEYWORDS = new Set(['machine', 'default', 'login', 'password', 'account', 'macdef']);

/** Blanks, then a word: between double quotes with backslash escapes as curl has them, or up to the next blank. */
const WORD = /\s*(?:"((?:\\.|[^"\\])*)("|$)|(\S+))/sy;

/** Reads a netrc file word by word: what a word means depends on the one before it. */
class NetrcReader {
  readonly #text: string;
  readonly #file: string;
  #at = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  readEntries(): ParsedEntry[] {
    const entries: ParsedEntry[] = [];
    for (let word = this.#next(); word !== undefined; word = this.#next()) {
      const entry = entries.at(-1);
      const keyword = word.isQuoted ? '' : word.text;
      if (keyword.startsWith('#')) this.#skip(/[^\n]*/y);
      else if (keyword === 'machine') entries.push(this.#newEntry(word));
      else if (keyword === 'default') entries.push({ machine: undefined });
      else if (keyword === 'macdef')
        this.#skip(/[^\n]*(?:\n(?![ \t]*\r?\n)[^\n]*)*/y); // up to an empty line
      else this.#readField(word, keyword, entry);
    }
    return entries;
  }

  #newEntry(keyword: Word): ParsedEntry {
    const mistakes: { mistake?: FdpassError } = {};
    const machine = this.#value(keyword, mistakes) ?? ''; // which is not the name of a machine
    return { machine, ...mistakes };
  }

  /** What comes before the first entry belongs to none. */
  #readField(word: Word, keyword: string, entry: ParsedEntry = { machine: '' }): void {
    if (keyword === 'login' || keyword === 'password') entry[keyword] = this.#value(word, entry);
    else if (keyword === 'account') this.#value(word, entry);
    else entry.mistake ??= this.#mistake(word, 'expected machine, default, login, password, account or macdef');
  }

  /** The value after a keyword. Another keyword in its place is one: a value that is the same word has to be quoted. */
  #value(keyword: Word, entry: { mistake?: FdpassError }): string | undefined {
    const start = this.#at;
    const word = this.#next();
    if (word !== undefined && (word.isQuoted || !KEYWORDS.has(word.text))) return word.text;
    this.#at = start;
    entry.mistake ??= this.#mistake(keyword, 'the value after this keyword is missing');
    return undefined;
  }

  #next(): Word | undefined {
    const start = this.#at;
    WORD.lastIndex = start;
    const [all, quoted, end, bare = ''] = WORD.exec(this.#text) ?? [];
    if (all === undefined) return undefined;
    this.#at += all.length;
    const at = start + all.search(/\S/);
    const word = { text: quoted === undefined ? bare : withoutEscapes(quoted), isQuoted: quoted !== undefined, at };
    if (end === '') throw this.#mistake(word, 'this quote is not closed');
    return word;
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
  }

  #mistake({ at }: Word, what: string): FdpassError {
    const lines = this.#text.slice(0, at).split('\n');
    const where = { file: this.#file, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
    return new FdpassError('config', what, { where, hint: 'put a value with blanks, or that is a keyword, in quotes' });
  }
}

function withoutEscapes(quoted: string): string {
  return quoted.replace(/\\(.)/gs, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? letter);
}
