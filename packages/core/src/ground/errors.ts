import { detailsOf, type SystemDetails, systemErrorBelow } from './system-details.js';
import { formatHostPort, type Target } from './target.js';
import { messageOf, oneLine } from './text.js';

/** A place in a config: in a file, or the path to a value of a config that was given in code, which has line 0. */
export interface Where {
  readonly file: string;
  /** From 1; 0 in a config given in code. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Keys and list positions that lead to a value. */
export type ValuePath = readonly (string | number)[];

/** Which part of an entry is meant: its value, its key, or an unknown key, whose name is not shown. */
export type PlacePart = 'value' | 'key' | 'unknown-key';

/** Finds the place of a value or of its key; if that is absent, of the nearest thing around it. */
export type Locate = (path: ValuePath, part?: PlacePart) => Where | Promise<Where>;

/** `FILE:LINE:COLUMN`, as editors take it; for a config given in code the path to the value. */
export function formatWhere(where: Where): string {
  return where.line === 0 ? where.file : `${where.file}:${where.line}:${where.column}`;
}

/** Why a dial failed, in one word; each has one exit code (sysexits.h). */
export type ErrorCode =
  | 'usage' // the command line is wrong
  | 'protocol' // a proxy answered something its protocol does not allow
  | 'unknown-host' // no address for a name
  | 'unreachable' // refused, reset, no route, closed early
  | 'internal' // a bug, or a system call that should not fail
  | 'timeout' // the deadline passed
  | 'permission' // authentication failed or the system said no
  | 'config'; // the configuration or a plugin is wrong

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 64,
  protocol: 65,
  'unknown-host': 68,
  unreachable: 69,
  internal: 70,
  timeout: 75,
  permission: 77,
  config: 78,
};

/** One connect() that failed, kept so that the person at the terminal sees every address that was tried. */
export interface FailedAttempt {
  /** What was tried, e.g. `[2001:db8::1]:22`. */
  readonly address: string;
  /** Why it failed, e.g. `connection refused`. */
  readonly reason: string;
}

/** One of several routes, hosts or servers that were tried and failed. */
export interface FailedRoute {
  /** What was tried, as the user wrote it, e.g. `corp (http://proxy:3128)`. */
  readonly label: string;
  /** The hop that failed, where that is not the same. */
  readonly hop?: string | undefined;
  /** Why it failed. */
  readonly message: string;
  /** What to try about it. */
  readonly hint?: string | undefined;
  /** The addresses that were tried for it. */
  readonly attempts: readonly FailedAttempt[];
  /** The routes in it, if it had several itself. */
  readonly routes: readonly FailedRoute[];
}

/** What an {@link FdpassError} may say beside its message; whoever knows more fills in the rest (`addDetails`). */
export interface ErrorDetails {
  /** One thing to do, as an imperative without a full stop, e.g. `check that the proxy is running`. Default: none. */
  readonly hint?: string | undefined;
  /** Where in a config the cause is; the message begins with it. */
  readonly where?: Where | undefined;
  /** The rule that chose the route, e.g. `rule 2 (/home/me/.config/fdpass/config.yaml:7)`. */
  readonly rule?: string | undefined;
  /** The hop that failed, e.g. `socks5://127.0.0.1:1080`; never with a secret. */
  readonly hop?: string | undefined;
  /** What was dialled. */
  readonly target?: Target | undefined;
  /** What was tried, in the order in which it failed. Default: none. */
  readonly attempts?: readonly FailedAttempt[] | undefined;
  /** The routes that were tried, in the order in which they failed; a line each. Default: none. */
  readonly routes?: readonly FailedRoute[] | undefined;
  /** The error below, such as a system error; not shown by {@link formatError}. */
  readonly cause?: unknown;
}

// Symbol.for: two copies of this package in one tree recognise each other's errors.
const BRAND = Symbol.for('fdpass.error.v1');

/**
 * The one error class of fdpass.
 *
 * `message` says where in the config (if there), what and why in one line, and never holds a secret; `hint` says what to
 * try. Recognise it with {@link isFdpassError}, not `instanceof`: a program may hold two copies of this package.
 */
export class FdpassError extends Error implements SystemDetails {
  /** The class's name, also in another copy of the package. */
  override readonly name = 'FdpassError';
  /** What kind of failure; decides the exit code. */
  readonly code: ErrorCode;
  /** What and why: the message without the place in the config. */
  readonly summary: string;
  /** Where in a config the cause is. */
  readonly where: Where | undefined;
  /** What to try. */
  readonly hint: string | undefined;
  /** The rule that chose the route. */
  readonly rule: string | undefined;
  /** The hop that failed, without a secret. */
  readonly hop: string | undefined;
  /** What was dialled. */
  readonly target: Target | undefined;
  /** What was tried, in the order in which it failed. Default: none. */
  readonly attempts: readonly FailedAttempt[];
  /** The routes that were tried, in the order in which they failed. Default: none. */
  readonly routes: readonly FailedRoute[];
  /** The number of the system's error, if that is the reason: for programs that test for what `net.connect` gives. */
  declare readonly errno?: number;
  /** The system call that failed, e.g. `connect`. */
  declare readonly syscall?: string;
  /** The address that it tried: the proxy's, if that is what failed. */
  declare readonly address?: string;
  /** The port that it tried. */
  declare readonly port?: number;
  /** The name that it looked up. */
  declare readonly hostname?: string;

  constructor(code: ErrorCode, summary: string, details: ErrorDetails = {}) {
    const message = details.where === undefined ? summary : `${formatWhere(details.where)}: ${summary}`;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.summary = summary;
    this.where = details.where;
    this.hint = details.hint;
    this.rule = details.rule;
    this.hop = details.hop;
    this.target = details.target;
    this.attempts = details.attempts ?? [];
    this.routes = details.routes ?? [];
    Object.assign(this, detailsOf(systemErrorBelow(details.cause)));
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether `value` is an {@link FdpassError}, of this or of another copy of the package. */
export function isFdpassError(value: unknown): value is FdpassError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** The code of anything that was thrown: an FdpassError's own, else `internal`. */
export function errorCodeOf(error: unknown): ErrorCode {
  return isFdpassError(error) ? error.code : 'internal';
}

/** The exit status the commands end with for `error`, as in sysexits.h. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[errorCodeOf(error)];
}

/** A copy of `error` with the given details filled in where it has none of its own; keeps cause and stack. */
export function addDetails(error: FdpassError, details: ErrorDetails): FdpassError {
  const copy = new FdpassError(error.code, error.summary ?? error.message, {
    where: error.where ?? details.where,
    hint: error.hint ?? details.hint,
    rule: error.rule ?? details.rule,
    hop: error.hop ?? details.hop,
    target: error.target ?? details.target,
    attempts: error.attempts.length > 0 ? error.attempts : details.attempts,
    routes: error.routes?.length > 0 ? error.routes : details.routes,
    cause: error.cause ?? details.cause,
  });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

/** Several errors as one: the first, how many there are besides, and all as its cause. */
export function foldErrors(errors: readonly FdpassError[]): FdpassError {
  const [first] = errors;
  if (first === undefined) return new FdpassError('internal', 'refused without a reason');
  if (errors.length === 1) return first;
  const { code, summary, where, hint } = first;
  const message = `${summary} (and ${errors.length - 1} more)`;
  return new FdpassError(code, message, { where, hint, cause: new AggregateError(errors) });
}

/** The errors that {@link foldErrors} has combined. */
export function unfoldErrors(error: FdpassError): FdpassError[] {
  if (error.code !== 'config' || !(error.cause instanceof AggregateError)) return [error];
  const { hop, rule } = error;
  return error.cause.errors.filter(isFdpassError).map((each) => addDetails(each, { hop, rule }));
}

/**
 * The stack of what a plugin threw, or of a bug of ours; undefined for failures of the system and of proxies, whose stack
 * says nothing.
 */
export function stackOf(error: unknown): string | undefined {
  let deepest: unknown = error;
  while (isFdpassError(deepest) && deepest.cause instanceof Error) deepest = deepest.cause;
  if (deepest instanceof AggregateError) return deepest.errors.map(stackOf).find((stack) => stack !== undefined);
  if (!(deepest instanceof Error) || 'syscall' in deepest) return undefined;
  return isFdpassError(deepest) && deepest.code !== 'internal' ? undefined : deepest.stack;
}

/**
 * Makes an error without a stack. One that is kept needs this: V8 holds on to what the functions of a stack were working
 * on, such as a program's first socket, for as long as nobody has read the stack.
 */
export function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The place in the config and the rule; the rule's own place is left out if there is a closer one. */
function placesOf({ where, rule }: FdpassError): (string | undefined)[] {
  return where === undefined ? [rule] : [formatWhere(where), rule?.replace(/ \([^()]*\)$/, '')];
}

/**
 * The error for a terminal, in one line: target, place in the config or rule, hop, what, why and what to try. If several
 * routes failed, a line for each follows, indented, with what to try about it.
 */
export function formatError(error: unknown): string {
  if (!isFdpassError(error)) return `unexpected error: ${oneLine(messageOf(error))}; please report it`;
  const target = error.target && formatHostPort(error.target.host, error.target.port);
  const { hop, hint, attempts, routes = [], summary: message = error.message } = error;
  return linesOf([target, ...placesOf(error), hop], { message, hint, attempts, routes }).join('\n');
}

function linesOf(about: readonly (string | undefined)[], failed: Omit<FailedRoute, 'label' | 'hop'>): string[] {
  const { message, hint, attempts, routes } = failed;
  const hasRoutes = routes.length > 0; // what is said of them is in their own lines
  const line = [...about.filter(Boolean), `${message}${hasRoutes ? '' : tried(message, attempts)}`].join(': ');
  return [
    oneLine(hint === undefined || hasRoutes ? line : `${line}; ${hint}`),
    ...routes.flatMap(({ label, hop, ...route }) => linesOf([label, hop], route).map((inner) => `  ${inner}`)),
  ];
}

/** The attempts, unless the message says it all. */
function tried(message: string, attempts: readonly FailedAttempt[]): string {
  const news = attempts.filter(({ address, reason }) => !(message.includes(address) && message.includes(reason)));
  return news.length === 0 ? '' : ` (${news.map(({ address, reason }) => `${address} ${reason}`).join(', ')})`;
}
