import { formatMs } from '@fdpass/core/host';
import {
  type Colour,
  type Glyphs,
  glyphsOf,
  type Look,
  linesOf,
  markOf,
  paint,
  STATE_COLOURS,
  wordsOf,
} from './look.js';
import type { Row, TraceReport } from './timeline.js';
import { wrap } from './wrap.js';

/*
 * The picture of a dial in characters: when each thing began, a bar from there to its end, how long it took, and what it was.
 * What it was comes last, since it can be of any length.
 */

/** Enough for `999 ms` and `99.9 s`. */
const TIME_WIDTH = 7;
const PIPE_BAR_WIDTH = 24;
/** A terminal that has fewer columns shows no bars. */
const MIN_WIDTH_FOR_BARS = 60;
const MAX_BAR_WIDTH = 40;

/** The lines of a report, none of them wider than the terminal. */
export function renderText(report: TraceReport, look: Look): string[] {
  return [
    ...wrap(report.target, widthOf(look)).map((line) => paint(line, 'bold', look)),
    '',
    ...report.rows.flatMap((row) => renderRow(row, report.nowMs, look)),
    '',
    ...resultLines(report).flatMap((line) => wrap(line, widthOf(look))),
  ];
}

function resultLines({ result, nowMs }: TraceReport): string[] {
  if (result === undefined) return [`under way for ${formatMs(nowMs)}`];
  return linesOf(result);
}

function renderRow(row: Row, nowMs: number, look: Look): string[] {
  const glyphs = glyphsOf(look);
  const cells = cellsOf(row, nowMs, look);
  const colour = STATE_COLOURS[row.state];
  const indent = '  '.repeat(row.depth);
  const before = cells.map((cell) => `${cell}  `).join('') + indent;
  const mark = markOf(row, glyphs);
  const lines = wrap(wordsOf(row), widthOf(look) - before.length - 2);
  const rest = row.state === 'done' ? undefined : colour;
  return lines.map((line, at) =>
    at === 0
      ? `${paintCells(cells, colour, look)}${indent}${paint(mark, colour, look)} ${paint(line, rest, look)}`
      : `${' '.repeat(before.length + 2)}${paint(line, rest, look)}`,
  );
}

/** When it began, its bar, and how long it took; fewer of them where there is little room. */
function cellsOf(row: Row, nowMs: number, look: Look): string[] {
  const { startMs, endMs } = row;
  const duration = (isInstant(row) ? '' : formatMs(endMs - startMs)).padStart(TIME_WIDTH);
  if (widthOf(look) < MIN_WIDTH_FOR_BARS) return [duration];
  return [formatMs(startMs).padStart(TIME_WIDTH), drawBar(row, nowMs, barWidth(look), glyphsOf(look)), duration];
}

/** Times recede, and bars have the colour of how their row ended. */
function paintCells(cells: readonly string[], colour: Colour, look: Look): string {
  const isBar = (at: number): boolean => cells.length === 3 && at === 1;
  return cells.map((cell, at) => `${paint(cell, isBar(at) ? colour : 'dim', look)}  `).join('');
}

function isInstant({ startMs, endMs, state }: Row): boolean {
  return startMs === endMs && state !== 'running';
}

function drawBar(row: Row, nowMs: number, width: number, { bar, tip, instant }: Glyphs): string {
  const cellMs = Math.max(nowMs, 1) / width;
  const from = Math.min(Math.floor(row.startMs / cellMs), width - 1);
  const to = Math.min(Math.max(Math.round(row.endMs / cellMs), from + 1), width);
  const { state } = row;
  const drawn =
    isInstant(row) && state === 'done' ? instant : bar[state].repeat(to - from - 1) + (tip[state] ?? bar[state]);
  return (' '.repeat(from) + drawn).padEnd(width);
}

function widthOf({ width = Number.POSITIVE_INFINITY }: Look): number {
  return width;
}

/** A fifth of the terminal. */
function barWidth({ width }: Look): number {
  return width === undefined ? PIPE_BAR_WIDTH : Math.min(Math.floor(width / 5), MAX_BAR_WIDTH);
}
