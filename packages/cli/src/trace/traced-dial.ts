import { type Connection, FdpassError, formatError, formatHostPort, isFdpassError } from '@fdpass/core';
import {
  addDetails,
  describeGreeting,
  dialToPass,
  errorCodeOf,
  exitCodeOf,
  type Framework,
  type Greeting,
} from '@fdpass/core/host';
import { withCode } from '../error-lines.js';
import { type DialRequest, type FoundRoute, routeBy } from '../request.js';
import type { Recorder } from './recorder.js';
import type { TraceResult } from './timeline.js';

/** How long the server has to greet. Servers of many protocols wait for the client instead. */
const GREETING_MS = 3000;

/** What a traced dial has found out. */
export interface Traced {
  readonly result: TraceResult;
  /** Undefined if that could not be found. */
  readonly found?: FoundRoute | undefined;
  /** How long the dial took, if it succeeded. */
  readonly ms?: number | undefined;
  readonly greeting?: Greeting | undefined;
  readonly error?: unknown;
}

/** Dials as the connect form does, waits for the server's greeting, and closes. Never rejects. */
export async function traceDial(
  request: DialRequest,
  load: () => Promise<Framework>,
  recorder: Recorder,
): Promise<Traced> {
  let found: FoundRoute | undefined;
  try {
    found = await findRoute(request, load, recorder);
    const startedMs = recorder.nowMs;
    const { router, route } = found;
    const options = await router.prepare(route, { timeoutMs: request.timeoutMs, trace: recorder.trace });
    const connection = (await dialToPass(router, route, options)) ?? (await router.dial(route, options));
    const ms = Math.round(recorder.nowMs - startedMs);
    const greeting = await listen(connection, recorder, found);
    const place = formatHostPort(route.target.host, route.target.port);
    const text = `connected to ${place} through ${route.chain.label} in ${ms} ms`;
    return { found, ms, greeting, result: { text, exitStatus: 0 } };
  } catch (error) {
    const text = withCode(errorCodeOf(error), formatError(error));
    return { found, error, result: { text, exitStatus: exitCodeOf(error) } };
  }
}

async function findRoute(
  request: DialRequest,
  load: () => Promise<Framework>,
  recorder: Recorder,
): Promise<FoundRoute> {
  const framework = await recorder.stage('configuration', load, ({ config }) =>
    config === undefined ? 'no configuration' : `configuration ${config.file}`,
  );
  const find = (): Promise<FoundRoute> => routeBy(framework, request, { trace: recorder.trace });
  return recorder.stage('route', find, ({ route }) =>
    route.rule === undefined ? `route: ${route.chain.label}` : `${route.reason}: ${route.chain.label}`,
  );
}

/** What the server says first; the connection is closed. @throws FdpassError if it breaks, or is closed without a word */
async function listen(
  connection: Connection,
  recorder: Recorder,
  { route: { target, reason } }: FoundRoute,
): Promise<Greeting | undefined> {
  const startedMs = recorder.nowMs;
  recorder.add({ event: 'listening' });
  try {
    const greeting = describeGreeting(await connection.peek(GREETING_MS));
    if (greeting === undefined && recorder.nowMs - startedMs < GREETING_MS * 0.9) throw closedAtOnce();
    if (greeting === undefined) recorder.add({ event: 'silence', text: SILENCE, isError: false });
    else recorder.add({ event: 'greeting', text: quoteGreeting(greeting) });
    return greeting;
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    recorder.add({ event: 'silence', text: error.message, isError: true });
    throw addDetails(error, { target, rule: reason });
  } finally {
    connection.destroy();
  }
}

const SILENCE = `none within ${GREETING_MS / 1000} s`;

function closedAtOnce(): FdpassError {
  return new FdpassError('unreachable', 'the connection was closed before the server said anything', {
    hint: "look in the server's log: it can refuse this address, or have too many connections",
  });
}

function quoteGreeting({ text, protocol }: Greeting): string {
  return `${JSON.stringify(text)}${protocol === undefined ? '' : ` (${protocol})`}`;
}
