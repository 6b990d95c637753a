import { fdpassVersion } from '@fdpass/core';
import { formatMs } from '@fdpass/core/host';
import { linesOf, markOf, UNICODE, wordsOf } from './look.js';
import type { Row, RowState, TraceReport } from './timeline.js';
import { wrap } from './wrap.js';

/*
 * The picture of a dial for a bug report. It shows what the terminal shows, loads nothing, and every browser draws it.
 */

const LINE = 20;
const MARGIN = 16;
/** When a row began ends here, its bar lies between two places, how long it took ends at another, and then comes its text. */
const START_END = 76;
const BAR = { from: 88, to: 348 };
const DURATION_END = 412;
const LABEL = 428;
/** About the width of a character of the font. */
const CHARACTER = 7.25;
const FONT = `font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="12"`;
/** Characters in a line. */
const ROOM = 100;

const INK = '#222222';
const PALE = '#8a8a8a';
const COLOURS: Readonly<Record<RowState, string>> = {
  running: '#b58900',
  done: '#2e8b57',
  failed: '#cc3333',
  cancelled: '#b0b0b0',
};

/** The report as an SVG image. */
export function renderSvg({ target, rows, nowMs, result }: TraceReport): string {
  const title = `fdpass trace ${target}`;
  const page = new Page(title);
  page.text(MARGIN, title, INK);
  page.next(2);
  for (const row of rows) drawRow(page, row, nowMs);
  page.next();
  const isFailure = result !== undefined && result.exitStatus !== 0;
  for (const line of result === undefined ? ['under way'] : linesOf(result)) {
    page.paragraph(MARGIN, line, isFailure ? COLOURS.failed : INK);
  }
  page.next();
  page.text(MARGIN, `fdpass ${fdpassVersion()}, Node ${process.versions.node}, ${process.platform}`, PALE);
  return page.toString();
}

function drawRow(page: Page, row: Row, nowMs: number): void {
  const { startMs, endMs, depth, state } = row;
  const scale = (BAR.to - BAR.from) / Math.max(nowMs, 1);
  page.number(START_END, formatMs(startMs));
  page.bar(BAR.from + startMs * scale, (endMs - startMs) * scale, COLOURS[state]);
  if (endMs > startMs) page.number(DURATION_END, formatMs(endMs - startMs));
  const left = LABEL + depth * 2 * CHARACTER;
  page.text(left, markOf(row, UNICODE), COLOURS[state]);
  page.paragraph(left + 2 * CHARACTER, wordsOf(row), state === 'done' ? INK : COLOURS[state]);
}

/** An image that is drawn line by line. */
class Page {
  readonly #title: string;
  readonly #elements: string[] = [];
  #line = 0;
  #right = 0;

  /** @param title For readers that cannot see it. */
  constructor(title: string) {
    this.#title = title;
  }

  /** Goes on to a further line. */
  next(lines = 1): void {
    this.#line += lines;
  }

  text(x: number, text: string, colour: string): void {
    this.#right = Math.max(this.#right, x + text.length * CHARACTER);
    this.#draw(x, text, colour);
  }

  /** A text over as many lines as it needs. */
  paragraph(x: number, text: string, colour: string): void {
    for (const line of wrap(text, ROOM)) {
      this.text(x, line, colour);
      this.next();
    }
  }

  /** A pale text that ends at a place. */
  number(right: number, text: string): void {
    this.#draw(right, text, PALE, ' text-anchor="end"');
  }

  bar(x: number, width: number, colour: string): void {
    const y = MARGIN + this.#line * LINE + 5;
    this.#elements.push(
      `<rect x="${round(x)}" y="${y}" width="${round(Math.max(width, 2))}" height="10" fill="${colour}"/>`,
    );
  }

  #draw(x: number, text: string, colour: string, more = ''): void {
    const y = MARGIN + this.#line * LINE + 14;
    this.#elements.push(`<text x="${round(x)}" y="${y}" fill="${colour}"${more}>${escapeXml(text)}</text>`);
  }

  toString(): string {
    const width = Math.ceil(this.#right) + MARGIN;
    const height = (this.#line + 1) * LINE + 2 * MARGIN;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${FONT}>`,
      `<title>${escapeXml(this.#title)}</title>`,
      '<rect width="100%" height="100%" fill="#ffffff"/>',
      ...this.#elements,
      '</svg>',
      '',
    ].join('\n');
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Also what XML 1.0 cannot hold at all. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
