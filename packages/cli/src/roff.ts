/*
 * Lines of man(7), as mandoc's lint likes them: at most 80 bytes long, no paragraph at the start of a section.
 */

const WIDTH = 80;

/** A page's first line. */
export function manTitle(name: string, section: number, date: string): string {
  return `.TH ${name.toUpperCase()} ${section} ${date} fdpass`;
}

/** A section with paragraphs, each a list of lines. */
export function manSection(title: string, paragraphs: readonly (readonly string[])[]): string[] {
  if (paragraphs.length === 0) return [];
  return [`.SH ${title}`, ...paragraphs.flatMap((lines, index) => (index === 0 ? lines : ['.PP', ...lines]))];
}

/** A section with a list of terms. */
export function manList(title: string, entries: readonly (readonly [term: string, what: string])[]): string[] {
  return entries.length === 0 ? [] : [`.SH ${title}`, ...manTerms(entries)];
}

/** A list of terms, each explained. */
export function manTerms(entries: readonly (readonly [term: string, what: string])[]): string[] {
  return entries.flatMap(([term, what]) => ['.TP', `.B ${roff(term)}`, ...manText(what)]);
}

/** A text that roff fills into lines. */
export function manText(text: string): string[] {
  const lines: string[] = [];
  for (const word of roff(text).split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && Buffer.byteLength(`${last} ${word}`) <= WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(notRequest);
}

/** Lines that stay as they are. */
export function manCode(code: string): string[] {
  return ['.RS', '.nf', ...code.split('\n').flatMap((line) => continued(notRequest(roff(line)))), '.fi', '.RE'];
}

/** Cuts a line that is too long at a blank; a backslash at its end joins it with the next. */
function continued(line: string): string[] {
  if (line.length <= WIDTH) return [line];
  const at = line.lastIndexOf(' ', WIDTH - 2);
  return at <= 0 ? [line] : [`${line.slice(0, at)} \\`, ...continued(line.slice(at + 1))];
}

/** A dot or a quote at the start of a line would make it a request. */
function notRequest(line: string): string {
  return line.replace(/^([.'])/, '\\&$1');
}

/** Text with what roff would interpret escaped: a dash would become a hyphen, which nobody can paste into a shell. */
export function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
}
