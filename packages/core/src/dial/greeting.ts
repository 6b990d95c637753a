import type { Connection } from '../connection/connection.js';
import { type Clock, formatMs, pause } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { endOfFile } from '../ground/system-error.js';
import { messageOf } from '../ground/text.js';
import { describeGreeting } from './describe-greeting.js';
import type { DialContext } from './dialer.js';
import { DEFAULT_LIMIT_MS, SSH_PREFIX } from './expectation.js';

/*
 * That a port accepts a connection says nothing about what is behind it: a forwarded port closes it if the far end is down, a
 * sleeping host stays silent, a captive portal speaks HTTP. So fdpass looks at the first bytes without consuming them: whoever
 * gets the connection reads them as if nobody had looked.
 */

/** What a server has to say. */
export interface ExpectedGreeting {
  /** One of these begins it. */
  readonly prefixes: readonly string[];
  /** Milliseconds. Default 5000. */
  readonly limitMs?: number | undefined;
}

/** What came. `closed`: the server ended the connection, with or without a word. */
export interface Look {
  readonly result: 'expected' | 'other' | 'silent' | 'closed';
  readonly bytes: Buffer;
  /** The system's, if the connection broke. */
  readonly cause?: unknown;
}

/** A connection that can tell that its other side has ended before its last words are read. */
type Ending = Connection & { hasEnded?(): boolean };

type LookContext = DialContext & { readonly clock: Clock };

/** How long to wait for the rest of a greeting of which a part is there: the kernel tells only of the first byte. */
const LOOK_AGAIN_MS = 20;

/** The greetings that were seen already: nested hops and races need not wait for them again. */
const greetings = new WeakMap<Connection, Buffer>();

/** Waits for a server's greeting. Takes nothing. Rejects with the signal's reason; the connection stays open. */
export async function lookAtGreeting(
  connection: Ending,
  { prefixes, limitMs = DEFAULT_LIMIT_MS }: ExpectedGreeting,
  { clock, signal }: LookContext,
): Promise<Look> {
  const known = greetings.get(connection);
  if (known !== undefined && judge(known, prefixes) === 'expected') return { result: 'expected', bytes: known };
  let isLate = false;
  const cancel = clock.after(limitMs, () => {
    isLate = true;
  });
  try {
    for (let isFirst = true; ; isFirst = false) {
      const hasEnded = !isFirst && connection.hasEnded?.() === true; // before the look, which so has seen all there is
      const bytes = await connection.peek(limitMs, signal);
      if (bytes.length === 0) return { result: isLate ? 'silent' : 'closed', bytes };
      const result = judge(bytes, prefixes);
      if (result === 'expected') greetings.set(connection, bytes);
      if (result !== 'part') return { result, bytes };
      if (hasEnded || isLate) return { result: hasEnded ? 'closed' : 'other', bytes };
      await pause(LOOK_AGAIN_MS, clock, signal);
    }
  } catch (error) {
    if (signal.aborted || !isFdpassError(error) || error.code === 'internal') throw error;
    return { result: 'closed', bytes: Buffer.alloc(0), cause: error };
  } finally {
    cancel();
  }
}

/** Whether bytes begin as expected. A `part` can still become that, so more of it is waited for. */
function judge(bytes: Buffer, prefixes: readonly string[]): 'expected' | 'other' | 'part' {
  const verdicts = prefixes.map((prefix) => judgeOne(bytes, prefix));
  return (
    verdicts.find((verdict) => verdict === 'expected') ?? verdicts.find((verdict) => verdict === 'part') ?? 'other'
  );
}

function judgeOne(bytes: Buffer, prefix: string): 'expected' | 'other' | 'part' {
  const wanted = Buffer.from(prefix);
  if (bytes.subarray(0, wanted.length).equals(wanted)) return 'expected';
  if (wanted.subarray(0, bytes.length).equals(bytes)) return 'part';
  return prefix.startsWith(SSH_PREFIX) ? judgeLines(bytes, prefix) : 'other';
}

/** An ssh server can send other lines of text before its version (RFC 4253, section 4.2), which ssh reads over. */
function judgeLines(bytes: Buffer, prefix: string): 'expected' | 'other' | 'part' {
  if (bytes.includes(`\n${prefix}`)) return 'expected';
  return describeGreeting(bytes)?.protocol === undefined && !bytes.includes(0) ? 'part' : 'other';
}

/** Fails as {@link checkGreeting} does, but only for a server that closes the connection. */
export async function checkStaysOpen(
  connection: Connection,
  limitMs: number | undefined,
  context: LookContext,
): Promise<void> {
  const expected = { prefixes: [SSH_PREFIX], limitMs };
  const look = await lookAtGreeting(connection, expected, context);
  if (look.result === 'closed') throw greetingError(look, expected);
}

/**
 * Waits for a server's greeting, reports it, and fails if it is not the expected one. Takes nothing.
 *
 * @throws FdpassError: `unreachable` if the server closed, `timeout` if it stayed silent, `protocol` if it said something else.
 */
export async function checkGreeting(
  connection: Connection,
  expected: ExpectedGreeting,
  context: LookContext,
): Promise<void> {
  context.trace({ event: 'waiting', for: 'the greeting of the server' });
  const look = await lookAtGreeting(connection, expected, context).catch((error) => {
    throw isFdpassError(error) && error.code === 'timeout' ? caughtWaiting(error) : error;
  });
  if (look.result !== 'expected') throw greetingError(look, expected);
  context.trace({ event: 'greeted', text: wordsOf(look.bytes) });
}

/** The dial's deadline passed meanwhile. */
function caughtWaiting(deadline: FdpassError): FdpassError {
  const message = `${deadline.message}: connected, but the server has not greeted`;
  return new FdpassError('timeout', message, { hint: SILENT_HINT, cause: deadline });
}

const SILENT_HINT = 'check that the server behind this port is running';

/** Why a greeting is not the expected one. */
export function greetingError(
  { result, bytes, cause }: Look,
  { prefixes, limitMs = DEFAULT_LIMIT_MS }: ExpectedGreeting,
): FdpassError {
  switch (result) {
    case 'closed':
      return closedError(bytes, cause);
    case 'silent':
      return new FdpassError('timeout', `connected, but the server has not greeted within ${formatMs(limitMs)}`, {
        hint: SILENT_HINT,
      });
    default: {
      const wanted = prefixes.map((prefix) => JSON.stringify(prefix)).join(' or ');
      return new FdpassError('protocol', `the server greeted with ${wordsOf(bytes)}, not with ${wanted}`, {
        hint: 'check the host and the port',
      });
    }
  }
}

function closedError(bytes: Buffer, cause: unknown): FdpassError {
  const when = bytes.length === 0 ? 'before it greeted' : `after it had said ${wordsOf(bytes)}`;
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`;
  return new FdpassError('unreachable', `the server closed the connection ${when}${why}`, {
    hint: 'look in the log of the server',
    cause: cause ?? endOfFile(),
  });
}

/** A greeting for people. */
export function wordsOf(bytes: Buffer): string {
  const greeting = describeGreeting(bytes);
  if (greeting === undefined) return 'nothing';
  const { text, protocol } = greeting;
  return `${JSON.stringify(text)}${protocol === undefined || text.startsWith(protocol) ? '' : ` (${protocol})`}`;
}
