import type { DialContext } from './dialer.js';

/*
 * What a server is expected to say first, and how that gets from a rule or a hop to the code that connects. A dial that tries
 * several routes passes it on to each of them: otherwise the first that connects would win, and be refused afterwards.
 */

/** What a server has to say first, as a rule or a hop has it. */
export interface Expectation {
  /** What it can begin with. `false`: nobody looks. Default: "SSH-" where several routes lead to port 22. */
  readonly prefixes?: readonly string[] | false | undefined;
  /** Milliseconds that it has after the connection is open. Default 5000. */
  readonly limitMs?: number | undefined;
  /** Without prefixes: it can say what it likes, or nothing, but not close. Default: nobody looks. */
  readonly staysOpen?: boolean | undefined;
}

/** What an ssh server begins with (RFC 4253, section 4.2). */
export const SSH_PREFIX = 'SSH-';
export const SSH_PORT = 22;
export const DEFAULT_LIMIT_MS = 5000;

/** Of the dials that are made with a context. */
const INNER = Symbol.for('fdpass.expected.v1');
/** Of the dial that a context belongs to. */
const OWN = Symbol.for('fdpass.expected-here.v1');

type ExpectingContext = DialContext & {
  readonly [INNER]?: Expectation | undefined;
  readonly [OWN]?: Expectation | undefined;
};

/** A context for dials of the target itself, such as a route: their server has to say this. */
export function expecting(context: DialContext, expectation: Expectation | undefined): DialContext {
  const inner: ExpectingContext = { ...context, [INNER]: expectation };
  return expectation === undefined ? context : inner;
}

/** What the server of a dial has to say: what its hop says, or else the context that it is made with. */
export function expectedOf(hop: Expectation | undefined, outer: DialContext): Expectation | undefined {
  const given = (outer as ExpectingContext)[INNER];
  if (hop === undefined || given === undefined) return hop ?? given;
  return {
    prefixes: hop.prefixes ?? given.prefixes,
    limitMs: hop.limitMs ?? given.limitMs,
    staysOpen: hop.staysOpen ?? given.staysOpen,
  };
}

/** A context for what happens inside a dial whose server has to say this. Dials of proxies do not inherit it. */
export function expectingHere(context: DialContext, expectation: Expectation): DialContext {
  const own: ExpectingContext = { ...context, [OWN]: expectation, [INNER]: undefined };
  return own;
}

/** What the server of the dial that a context belongs to has to say. */
export function expectedHere(context: DialContext): Expectation | undefined {
  return (context as ExpectingContext)[OWN];
}
