import { isFdpassError, messageOf, oneLine } from '@fdpass/core';
import { formatMs } from '@fdpass/core/host';
import { glyphsOf, type Look, paint, STATE_COLOURS } from '../trace/look.js';
import type { RowState } from '../trace/timeline.js';
import { type HopTrial, type HostTrial, nameOf } from './trials.js';

/** A line of the table: how it went, then the columns. */
interface Line {
  readonly state: RowState;
  readonly columns: readonly string[];
}

/** The results as a table, hosts first. */
export function renderTable(trials: readonly HostTrial[], hops: readonly HopTrial[], look: Look): string[] {
  return [...renderLines(trials.map(hostLine), look), '', 'hops', ...renderLines(hops.map(hopLine), look)];
}

function hostLine({ target, traced }: HostTrial): Line {
  const { found, ms, greeting, error } = traced;
  const route = found?.route.chain.label ?? '-';
  const said = greeting === undefined ? 'no greeting' : greeting.text;
  const time = ms === undefined ? '-' : formatMs(ms);
  if (error !== undefined) return { state: 'failed', columns: [nameOf(target), route, '-', reasonOf(error)] };
  const isSsh = greeting?.protocol === 'SSH';
  const kind = isSsh || greeting === undefined ? '' : ` (${greeting.protocol ?? 'not ssh'})`;
  return { state: 'done', columns: [nameOf(target), route, time, `${said}${kind}`] };
}

function hopLine({ hop, state, ms, reason }: HopTrial): Line {
  if (state === 'done' && ms !== undefined) return { state, columns: [hop, formatMs(ms)] };
  if (state === 'failed') return { state, columns: [hop, '-', oneLine(reason ?? '')] };
  return { state, columns: [hop, '-', 'was not needed for these hosts'] };
}

/** Why, and what to try, without what the other columns say. */
function reasonOf(error: unknown): string {
  if (!isFdpassError(error)) return oneLine(messageOf(error));
  const { hop, message, hint } = error;
  return oneLine([hop, hint === undefined ? message : `${message}; ${hint}`].filter(Boolean).join(': '));
}

function renderLines(lines: readonly Line[], look: Look): string[] {
  const { mark } = glyphsOf(look);
  const count = Math.max(...lines.map(({ columns }) => columns.length), 0);
  const widths = Array.from({ length: count }, (_, at) =>
    Math.max(...lines.map(({ columns }) => (columns[at] ?? '').length)),
  );
  return lines.map(({ state, columns }) => {
    const text = columns.map((column, at) => column.padEnd(widths[at] ?? 0)).join('  ');
    return `${paint(mark[state], STATE_COLOURS[state], look)}  ${paint(text.trimEnd(), state === 'done' ? undefined : STATE_COLOURS[state], look)}`;
  });
}
