import { oneLine } from '@fdpass/core';
import type { Row, RowState, TraceResult } from './timeline.js';

/** What a terminal or a file can show. */
export interface Look {
  /** Columns; undefined where lines can have any length. */
  readonly width?: number | undefined;
  readonly hasColours: boolean;
  readonly isUnicode: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What stdout can show: a terminal of some width, or a file or a pipe. */
export function lookOf(width: number | undefined, env: Environment = process.env): Look {
  return { width, hasColours: wantsColours(width !== undefined, env), isUnicode: isUnicode(env) };
}

/** FORCE_COLOR and NO_COLOR (no-color.org) before what the terminal is. */
function wantsColours(isTerminal: boolean, { FORCE_COLOR, NO_COLOR, TERM }: Environment): boolean {
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return !['0', 'false'].includes(FORCE_COLOR);
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return isTerminal && TERM !== 'dumb';
}

/** As the C library takes the charset of the locale: the first of three variables that is set. */
function isUnicode({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** The characters that bars and marks are made of. */
export interface Glyphs {
  readonly bar: Readonly<Record<RowState, string>>;
  /** The last cell of a bar, where it is another. */
  readonly tip: Readonly<Partial<Record<RowState, string>>>;
  /** Something that takes no time. */
  readonly instant: string;
  readonly mark: Readonly<Record<RowState, string>>;
  readonly remark: string;
}

/** For terminals and files whose charset is UTF-8. */
export const UNICODE: Glyphs = {
  bar: { running: '━', done: '━', failed: '━', cancelled: '╌' },
  tip: { running: '▸', failed: '✗' },
  instant: '╷',
  mark: { running: '…', done: '✔', failed: '✗', cancelled: '-' },
  remark: '·',
};

const ASCII: Glyphs = {
  bar: { running: '=', done: '=', failed: '=', cancelled: '-' },
  tip: { running: '>', failed: 'x' },
  instant: '|',
  mark: { running: '~', done: '+', failed: 'x', cancelled: '-' },
  remark: '*',
};

export function glyphsOf({ isUnicode: unicode }: Look): Glyphs {
  return unicode ? UNICODE : ASCII;
}

/** What stands before a row's text: how it ended, or which way a message went. */
export function markOf({ kind, state }: Pick<Row, 'kind' | 'state'>, { mark, remark }: Glyphs): string {
  if (kind === 'sent') return '>';
  if (kind === 'received' || (kind === 'waiting' && state === 'done')) return '<';
  if (state === 'done' && (kind === 'stage' || kind === 'note')) return remark;
  return mark[state];
}

/** A row in words: what it is about, and how that ended. */
export function wordsOf({ kind, text, outcome, state }: Pick<Row, 'kind' | 'text' | 'outcome' | 'state'>): string {
  if (kind === 'waiting' && state !== 'done') return `${state === 'running' ? 'waiting' : 'waited'} for ${text}`;
  if (outcome !== '') return oneLine(`${text}: ${outcome}`);
  return oneLine(state === 'cancelled' ? `${text} (no longer needed)` : text);
}

/** How the dial ended: the line of the error as the connect form writes it, and the status that it would exit with. */
export function linesOf({ text, exitStatus }: TraceResult): string[] {
  return exitStatus === 0 ? [text] : [...`fdpass: ${text}`.split('\n'), `exit status ${exitStatus}`];
}

/** A colour, or another way to set characters apart. */
export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

const SGR: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** `text` in a colour, where there are colours. */
export function paint(text: string, colour: Colour | undefined, { hasColours }: Look): string {
  if (!hasColours || colour === undefined || text === '') return text;
  return `\x1b[${SGR[colour]}m${text}\x1b[0m`;
}

export const STATE_COLOURS: Readonly<Record<RowState, Colour>> = {
  running: 'yellow',
  done: 'green',
  failed: 'red',
  cancelled: 'dim',
};
