import type { TraceEvent } from '@fdpass/core';
import { describeLookUp, describePluginEvent, describeRetry } from '../event-words.js';
import type { Moment, Row, RowKind, RowState, StageEvent } from './timeline.js';

type AnyEvent = TraceEvent | StageEvent;
type EventOf<Name> = Extract<AnyEvent, { readonly event: Name }>;

/** A row while the events are being read, with the rows inside it. */
interface Node {
  kind: RowKind;
  text: string;
  outcome: string;
  readonly details: readonly string[];
  readonly startMs: number;
  /** Undefined while it runs. */
  endMs: number | undefined;
  state: RowState;
  readonly children: Node[];
}

/** How something ended. */
interface End {
  readonly state: RowState;
  readonly outcome: string;
}

const CANCELLED: End = { state: 'cancelled', outcome: '' };
const done = (outcome = ''): End => ({ state: 'done', outcome });
const failed = (reason: string): End => ({ state: 'failed', outcome: reason });

/** The rows of what has happened until `nowMs`. */
export function buildTimeline(moments: readonly Moment[], nowMs: number): Row[] {
  const tree = new DialTree();
  for (const moment of moments) tree.take(moment);
  return tree.rows(nowMs);
}

/** Rows in rows, as hops dial through hops, made from the events of a dial in their order. */
class DialTree {
  readonly #top = newNode('stage', '', 0);
  /** The dials of hops, by the number in their mark. */
  readonly #hops = new Map<number, Node>();

  take({ atMs, event }: Moment): void {
    const read = READ[event.event as keyof typeof READ] as Reader<AnyEvent> | undefined;
    const around = this.#hopOf('within' in event ? event.within?.id : undefined);
    if (event.event === 'dial') this.#startHop(event as EventOf<'dial'>, atMs);
    else if (read !== undefined) read(around, event, atMs);
    else if (event.event.includes(':')) point(around, 'note', describePluginEvent(event), atMs);
  }

  rows(nowMs: number): Row[] {
    return flatten(this.#top.children, 0, nowMs);
  }

  #hopOf(id: number | undefined): Node {
    return (id === undefined ? undefined : this.#hops.get(id)) ?? this.#top;
  }

  /** A hop that starts right after "try" is what is tried. It takes the place of a row that would say the same. */
  #startHop({ hop, target, parent, within }: EventOf<'dial'>, atMs: number): void {
    const around = this.#hopOf(parent);
    const before = around.children.at(-1);
    const tried = before?.kind === 'try' && isOpen(before) && before.children.length === 0 ? before : undefined;
    const isSame = tried?.text === hop;
    const node = isSame ? tried : start(tried ?? around, 'hop', '', atMs);
    Object.assign(node, { kind: 'hop', text: `${hop} to ${target}` });
    if (within !== undefined) this.#hops.set(within.id, node);
  }
}

type Reader<Event> = (around: Node, event: Event, atMs: number) => unknown;

type Readers = {
  readonly [Name in Exclude<AnyEvent['event'], `${string}:${string}`>]?: Reader<EventOf<Name>>;
};

/** What each event does to the rows of the hop that it belongs to. */
const READ: Readers = {
  stage: (around, { text, ms, reason }, atMs) =>
    end(start(around, 'stage', text, atMs - ms), reason === undefined ? done() : failed(reason), atMs),
  dialled: (hop, _, atMs) => endHop(hop, done(), atMs),
  'dial-failed': (hop, { reason }, atMs) => endHop(hop, failed(reason), atMs),
  'dial-cancelled': (hop, _, atMs) => endHop(hop, CANCELLED, atMs),
  condition: (around, { condition }, atMs) => start(around, 'condition', condition, atMs),
  'condition-answer': (around, { condition, found }, atMs) =>
    endOpen(around, 'condition', condition, done(found), atMs),
  'look-up': (around, event, atMs) => start(around, 'look-up', describeLookUp(event), atMs),
  resolve: (around, event, atMs) => endOpen(around, 'look-up', describeLookUp(event), answerOf(event), atMs),
  attempt: (around, { address }, atMs) => start(around, 'attempt', address, atMs),
  connected: (around, { address }, atMs) => endOpen(around, 'attempt', address, done(), atMs),
  'attempt-failed': (around, { address, reason }, atMs) => endOpen(around, 'attempt', address, failed(reason), atMs),
  'attempt-cancelled': (around, { address }, atMs) => endOpen(around, 'attempt', address, CANCELLED, atMs),
  try: (around, { route }, atMs) => start(around, 'try', route, atMs),
  'try-connected': (around, { route }, atMs) => endOpen(around, 'try', route, done(), atMs),
  'try-failed': (around, { route, reason }, atMs) => endOpen(around, 'try', route, failed(reason), atMs),
  'try-cancelled': (around, { route }, atMs) => endOpen(around, 'try', route, CANCELLED, atMs),
  waiting: startWait,
  asking: startWait,
  sent: (around, { text, details }, atMs) => {
    endWait(around, done(), atMs);
    point(around, 'sent', text, atMs, details);
  },
  received: (around, { text, details }, atMs) => {
    const startMs = openWait(around)?.startMs ?? atMs;
    dropOpenWait(around);
    end(start(around, 'received', text, startMs, details), done(), atMs);
  },
  retry: (around, event, atMs) => point(around, 'note', describeRetry(event), atMs),
  run: (around, { program }, atMs) => start(around, 'stage', program, atMs),
  'run-ended': (around, { program }, atMs) => endOpen(around, 'stage', program, done(), atMs),
  'run-failed': (around, { program, reason }, atMs) => endOpen(around, 'stage', program, failed(reason), atMs),
  greeted: (around, { text }, atMs) => {
    const startMs = openWait(around)?.startMs ?? atMs;
    dropOpenWait(around);
    end(start(around, 'greeting', 'greeting', startMs), done(text), atMs);
  },
  note: (around, { text }, atMs) => point(around, 'note', text, atMs),
  output: (around, { text }, atMs) => point(around, 'note', text, atMs),
  listening: (around, _, atMs) => start(around, 'greeting', 'greeting', atMs),
  greeting: (around, { text }, atMs) => endOpen(around, 'greeting', 'greeting', done(text), atMs),
  silence: (around, { text, isError }, atMs) =>
    endOpen(around, 'greeting', 'greeting', isError ? failed(text) : { ...CANCELLED, outcome: text }, atMs),
};

function newNode(kind: RowKind, text: string, startMs: number, details: readonly string[] = []): Node {
  return { kind, text, outcome: '', details, startMs, endMs: undefined, state: 'running', children: [] };
}

function start(around: Node, kind: RowKind, text: string, atMs: number, details?: readonly string[]): Node {
  const node = newNode(kind, text, atMs, details);
  around.children.push(node);
  return node;
}

/** Something that takes no time. */
function point(around: Node, kind: RowKind, text: string, atMs: number, details?: readonly string[]): void {
  end(start(around, kind, text, atMs, details), done(), atMs);
}

function isOpen({ state }: Node): boolean {
  return state === 'running';
}

function end(node: Node, { state, outcome }: End, atMs: number): void {
  Object.assign(node, { state, outcome, endMs: atMs });
}

/** Ends what was started under this name. */
function endOpen(around: Node, kind: RowKind, text: string, how: End, atMs: number): void {
  const node = around.children.find((child) => isOpen(child) && child.kind === kind && child.text === text);
  if (node !== undefined) end(node, how, atMs);
}

/** Ends a hop, and whatever still runs in it. */
function endHop(hop: Node, how: End, atMs: number): void {
  endWait(hop, how, atMs);
  for (const child of hop.children) if (isOpen(child)) end(child, CANCELLED, atMs);
  const attempts = hop.children.filter(({ kind }) => kind === 'attempt');
  if (how.state === 'failed' && attempts.every(({ state }) => state !== 'done')) attempts.forEach(failUnanswered);
  end(hop, how, atMs);
}

/** Attempts are cancelled when another one wins. Where none did, nobody has answered. */
function failUnanswered(attempt: Node): void {
  if (attempt.state === 'cancelled') Object.assign(attempt, failed('no answer'));
}

/** Begins to wait for the other side, or for the user. */
function startWait(around: Node, { for: what }: { readonly for: string }, atMs: number): void {
  endWait(around, done(), atMs);
  start(around, 'waiting', what, atMs);
}

function openWait(around: Node): Node | undefined {
  return around.children.find((child) => child.kind === 'waiting' && isOpen(child));
}

function dropOpenWait(around: Node): void {
  const open = openWait(around);
  if (open !== undefined) around.children.splice(around.children.indexOf(open), 1);
}

/** Ends a wait. One that was successful is a row of its own only if the handshake does not say what it has received. */
function endWait(around: Node, how: End, atMs: number): void {
  const open = openWait(around);
  if (open === undefined) return;
  const isReported = around.children.some(({ kind }) => kind === 'sent' || kind === 'received');
  if (how.state === 'done' && isReported) dropOpenWait(around);
  else end(open, { state: how.state, outcome: '' }, atMs);
}

function answerOf({ addresses, reason }: EventOf<'resolve'>): End {
  return addresses.length > 0 ? done(addresses.join(', ')) : failed(reason ?? 'no address');
}

function flatten(nodes: readonly Node[], depth: number, nowMs: number): Row[] {
  return nodes.flatMap(({ children, endMs = nowMs, ...row }) => [
    { ...row, endMs, depth },
    ...flatten(children, depth + 1, nowMs),
  ]);
}
