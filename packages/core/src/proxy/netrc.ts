/** A login of a netrc file (ftp(1), curl's --netrc). */
export interface NetrcEntry {
  readonly login?: string | undefined;
  readonly password?: string | undefined;
}

/** The entry for `machine`, narrowed by `login` if given, else the `default` entry. `macdef` bodies are skipped. */
export function findNetrcEntry(text: string, machine: string, login?: string): NetrcEntry | undefined {
  const entries = parseNetrc(text);
  const fits = (entry: ParsedEntry): boolean =>
    login === undefined || entry.login === undefined || entry.login === login;
  return (
    entries.find((entry) => entry.machine?.toLowerCase() === machine.toLowerCase() && fits(entry)) ??
    entries.find((entry) => entry.machine === undefined && fits(entry))
  );
}

interface ParsedEntry {
  /** Undefined for `default`. */
  machine: string | undefined;
  login?: string;
  password?: string;
}

function parseNetrc(text: string): ParsedEntry[] {
  // A macro ends at the next empty line, and its body can look like entries.
  const words = tokenize(text.replace(/^[ \t]*macdef\b.*(?:\n(?![ \t]*\n).*)*/gm, ''));
  const entries: ParsedEntry[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const entry = entries.at(-1);
    if (word === 'machine') entries.push({ machine: words.shift() ?? '' });
    else if (word === 'default') entries.push({ machine: undefined });
    else if (word === 'login' && entry) entry.login = words.shift() ?? '';
    else if (word === 'password' && entry) entry.password = words.shift() ?? '';
    else if (word === 'account') words.shift();
  }
  return entries;
}

/** Words between white space; curl's double quotes with backslash escapes; `#` begins a comment at a word's start. */
function tokenize(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/"((?:\\.|[^"\\])*)"|#(?=.*)[^\n]*|(\S+)/g)) {
    if (match[1] !== undefined)
      words.push(match[1].replace(/\\(.)/g, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? letter));
    else if (match[2] !== undefined) words.push(match[2]);
  }
  return words;
}
