import { oneLine, type TraceEvent } from '@fdpass/core';
import { formatMs } from '@fdpass/core/host';
import { describeLookUp, describePluginEvent, describeRetry } from './event-words.js';

/*
 * The lines of -v and -vv: each event in words, with the time, and indented by the hop that it belongs to. What is said to
 * proxies, and what they answer, is marked as in curl(1).
 */

type EventOf<Name> = Extract<TraceEvent, { readonly event: Name }>;

/** 1 for what -v shows, 2 for what only -vv shows, and the lines. */
type Said = readonly [verbosity: 1 | 2, ...lines: readonly string[]];

type Sayings = {
  readonly [Name in Exclude<TraceEvent['event'], `${string}:${string}`>]?: (event: EventOf<Name>) => Said;
};

const SAYINGS: Sayings = {
  condition: ({ condition }) => [2, `asking ${condition}`],
  'condition-answer': ({ condition, found, ms }) => [1, `${condition}: ${found}, after ${formatMs(ms)}`],
  route: ({ reason, chain }) => [1, `${reason}: ${chain}`],
  dial: ({ hop, target }) => [1, `${hop} to ${target}`],
  dialled: ({ hop, ms }) => [2, `${hop}: connected in ${formatMs(ms)}`],
  'dial-failed': ({ hop, reason }) => [2, `${hop}: ${reason}`],
  'dial-cancelled': ({ hop }) => [2, `${hop}: no longer needed`],
  'look-up': (event) => [2, `looking up ${describeLookUp(event)}`],
  resolve: (event) => [1, `${describeLookUp(event)}: ${event.addresses.join(', ') || (event.reason ?? 'no address')}`],
  attempt: ({ address }) => [2, `connecting to ${address}`],
  connected: ({ address, ms }) => [1, `connected to ${address} in ${formatMs(ms)}`],
  'attempt-failed': ({ address, reason }) => [1, `${address}: ${reason}`],
  'attempt-cancelled': ({ address }) => [2, `${address}: no longer needed`],
  try: ({ route }) => [2, `trying ${route}`],
  'try-connected': ({ route, ms }) => [2, `${route}: connected in ${formatMs(ms)}`],
  'try-failed': ({ route, reason }) => [1, `${route}: ${reason}`],
  'try-cancelled': ({ route }) => [2, `${route}: no longer needed`],
  waiting: ({ for: what }) => [2, `waiting for ${what}`],
  asking: ({ for: what }) => [2, `asking for ${what}`],
  sent: ({ text, details = [] }) => [2, ...[text, ...details].map((line) => `> ${line}`)],
  received: ({ text, details = [] }) => [2, ...[text, ...details].map((line) => `< ${line}`)],
  retry: ({ reason, ...next }) => [1, `${reason}; ${describeRetry(next)}`],
  run: ({ program }) => [1, `running ${program}`],
  'run-ended': ({ program, ms }) => [2, `${program}: ended after ${formatMs(ms)}`],
  'run-failed': ({ reason }) => [2, reason],
  greeted: ({ text }) => [2, `the server greeted with ${text}`],
  note: ({ text }) => [1, text],
};

/** The events of a hop itself; all others happen inside one. */
const OF_HOP = new Set(['dial', 'dialled', 'dial-failed', 'dial-cancelled']);

/** The width of a time below ten seconds. */
const TIME_WIDTH = 7;

/** Puts the events of one dial into words. */
export class Progress {
  readonly #verbosity: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #route: { readonly target: string; readonly chain: string; readonly at: number } | undefined;

  /** @param now The milliseconds of a clock. */
  constructor(verbosity: number, now: () => number) {
    this.#verbosity = verbosity;
    this.#now = now;
    this.#startedAt = now();
  }

  /** The lines for an event; none for one that such a verbosity does not show. */
  linesOf(event: TraceEvent): string[] {
    const ms = Math.round(this.#now() - this.#startedAt);
    const depth = event.within === undefined ? 0 : event.within.depth + (OF_HOP.has(event.event) ? 0 : 1);
    const before = `${`${ms} ms`.padStart(TIME_WIDTH)}  ${'  '.repeat(depth)}`;
    const [verbosity, ...lines] = this.#say(event);
    return this.#verbosity < verbosity ? [] : lines.map((line) => before + oneLine(line));
  }

  #say(event: TraceEvent): Said {
    if (event.event === 'route') this.#route = { ...(event as EventOf<'route'>), at: this.#now() };
    if (event.event === 'handed-over') return this.#sayConnected(event as EventOf<'handed-over'>);
    const saying = SAYINGS[event.event as keyof Sayings] as ((of: TraceEvent) => Said) | undefined;
    if (saying !== undefined) return saying(event);
    return event.event.includes(':') ? [2, describePluginEvent(event)] : [2]; // the error that ends the command is said there
  }

  #sayConnected({ as, local, peer }: EventOf<'handed-over'>): Said {
    const { target, chain, at } = this.#route ?? { target: 'the target', chain: 'the route', at: this.#startedAt };
    const ends = local === undefined || peer === undefined ? '' : ` of ${local} to ${peer}`;
    const how = as === 'relay' ? ['copying bytes from now on'] : [`passed the descriptor${ends}`];
    return [
      1,
      ...(this.#verbosity < 2 ? [] : how),
      `connected to ${target} through ${chain} in ${formatMs(this.#now() - at)}`,
    ];
  }
}
