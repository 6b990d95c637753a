/** However deep a text is indented, some of it is shown. */
const MIN_ROOM = 12;

/** `text` in lines of at most `width` characters, indented as it is. A longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const indent = text.slice(0, text.search(/[^ ]|$/));
  const room = Math.max(width - indent.length, MIN_ROOM);
  const lines: string[] = [];
  let line = '';
  for (const word of text.slice(indent.length).split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= room) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = word.length > room ? (word.match(new RegExp(`.{1,${room}}`, 'gu')) ?? []) : [word];
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  return [...lines, line].map((each) => indent + each);
}
