import { stripVTControlCharacters } from 'node:util';

/** A picture that stands on a terminal, and how to replace it. The cursor is on the line below it. */
export class Frame {
  #lines: readonly string[] = [];

  /** What replaces the last picture by this one. Each line is overwritten in its place, so that nothing flickers. */
  next(lines: readonly string[], columns: number): string {
    const back = this.#back(columns);
    this.#lines = lines;
    return `${back}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`;
  }

  /** Lets the picture stand where it is. */
  leave(): void {
    this.#lines = [];
  }

  /** What removes the picture. */
  erase(columns: number): string {
    const back = this.#back(columns);
    this.leave();
    return back === '' ? '' : `${back}\x1b[J`;
  }

  /** To the first line of the picture. A terminal that has become narrower has wrapped some. */
  #back(columns: number): string {
    const height = this.#lines.reduce((sum, line) => sum + heightOf(line, columns), 0);
    return height === 0 ? '' : `\x1b[${height}A\r`;
  }
}

function heightOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns));
}
