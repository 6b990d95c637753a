import type { Connection } from '../connection/connection.js';
import { type AbortState, makeAbortable, onAbort } from '../ground/abortable.js';
import { startDeadline } from '../ground/clock.js';
import { noTrace, type Trace } from '../ground/trace.js';
import type { DialOptions, Route, Router } from '../routing/router.js';
import { describeFd, sendFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import { formatFdAddress } from '../sys/sockaddr.js';
import { relayConnection, watchCaller, watchDial } from './caller.js';
import { type Channel, expectsBytes, type Handover } from './channel.js';

/*
 * How a connection is given away. There are three ways, and one question decides: where is the state of the connection?
 *
 * 1. The kernel has all of it (TCP, a unix socket, a VM socket, with not a byte read ahead): we dial, pass the
 *    descriptor over the channel, and are done.
 * 2. A process has some of it (TLS keys, a library's stream), and the caller wants a descriptor: that process has to stay
 *    as long as the connection does, and the caller waits for ours to exit. So `relayed` lets another one dial and copy
 *    bytes, and what we pass is one end of a socketpair to it.
 * 3. The caller wants bytes: we dial, and copy them ourselves until both directions have ended or the caller has gone.
 *
 * A strategy that knows in advance that its connection is not a kernel socket says so with `needsRelay`, and nothing is
 * dialled twice. One that does not know is dialled here first.
 */

/** How a connection is dialled and given away. */
export interface HandOverOptions {
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
  /** Ends the dial; its reason is rethrown unchanged. It does not end a relay that has started. */
  readonly signal?: AbortSignal | undefined;
  /** For the whole dial; 0 means no limit. Default: the route's. */
  readonly timeoutMs?: number | undefined;
  /** Called before bytes are copied over the channel; what it throws ends the hand-over. Default: nothing. */
  readonly beforeBytes?: (() => void) | undefined;
  /**
   * Lets another process dial the same route and relay, and resolves to the connection with it. What the rule wants done before
   * has been done: that process dials with `isPrepared`.
   */
  readonly relayed: (request: RelayRequest) => Promise<Connection>;
}

/** The request to the process that relays. */
export interface RelayRequest {
  /** How long its dial can take; 0 means no limit. */
  readonly timeoutMs: number;
  /** Ends the wait for it, and the process with it. */
  readonly signal: AbortSignal;
}

/** How much longer we wait than the process that relays, so that the error of the one that knows more wins. */
const RELAY_GRACE_MS = 1000;

/**
 * Dials `route` and gives the connection away through `channel`. Resolves when the descriptor has been passed, or when a
 * relay over the channel has ended. Nothing stays open here afterwards.
 *
 * @throws FdpassError as {@link Router.dial} does; `unreachable` if the caller exits; the signal's reason on abort.
 */
export async function handOver(
  channel: Channel,
  route: Route,
  router: Router,
  options: HandOverOptions,
): Promise<Handover> {
  const caller = watchCaller(channel, router.clock);
  const vain = watchDial(channel, caller, router.clock);
  const wanted = startDeadline(0, [options.signal, vain.signal], router.clock);
  const dial = { route, router, trace: options.trace ?? noTrace, options, signal: wanted.state, gone: caller.gone };
  try {
    return await (channel.as === 'descriptor' ? passDescriptor(channel, dial) : relayBytes(channel, dial));
  } finally {
    wanted.release();
    vain.release();
    caller.release();
  }
}

/** What {@link dialPassable} dials, and how. */
export interface PassableDial {
  /** What is dialled. */
  readonly route: Route;
  /** Who dials it. */
  readonly router: Router;
  /** Told of the dial. */
  readonly trace: Trace;
  /** How long it can take, and who relays. */
  readonly options: Pick<HandOverOptions, 'timeoutMs' | 'relayed'>;
  /** Aborts with the caller's own, or when the program that wants the connection exits. */
  readonly signal: AbortState;
}

interface Dial extends PassableDial {
  readonly options: HandOverOptions;
  /** Aborts when that program exits. */
  readonly gone: AbortState;
}

/** Dials and passes the descriptor (SCM_RIGHTS with one byte, as ssh's ProxyUseFdpass expects it), in blocking mode. */
async function passDescriptor(channel: Channel, dial: Dial): Promise<Handover> {
  const connection = await dialPassable(dial);
  if (expectsBytes(channel)) return relayBytes(channel, dial, connection);
  try {
    await sendConnection(connection, channel, dial);
  } finally {
    connection.destroy(); // our copy; no shutdown, the receiver's stays connected
  }
  return 'descriptor';
}

/**
 * A connection with a descriptor: the route's own, or one to a process that dials and relays. It belongs to the caller.
 *
 * @throws FdpassError as {@link Router.dial} does; the signal's reason on abort.
 */
export async function dialPassable({ route, router, trace, options, signal }: PassableDial): Promise<Connection> {
  const prepared = await router.prepare(route, { signal, timeoutMs: options.timeoutMs, trace });
  const startedAt = router.clock.now();
  if (route.chain.needsRelay(route.target)) noteTls(route, trace);
  else {
    const connection = await dialToPass(router, route, prepared);
    if (connection?.descriptor !== undefined) return connection;
    connection?.destroy();
    if (connection !== undefined) trace({ event: 'note', text: `the stream is not a plain socket: ${AGAIN}` });
  }
  const limitMs = prepared.timeoutMs ?? route.timeoutMs;
  const leftMs = limitMs > 0 ? Math.max(1, limitMs - (router.clock.now() - startedAt)) : 0;
  const deadline = startDeadline(leftMs > 0 ? leftMs + RELAY_GRACE_MS : 0, signal, router.clock);
  try {
    return await options.relayed({ timeoutMs: leftMs, signal: deadline.signal });
  } finally {
    deadline.release();
  }
}

const AGAIN = 'dialling again in a relay process';

/** Why the kernel does not do TLS, where somebody wants that. */
function noteTls({ chain, target }: Route, trace: Trace): void {
  const place = chain.tls?.(target);
  if (place?.by !== 'process' || place.why === undefined) return;
  trace({ event: 'note', text: `a relay process does TLS: ${place.why}` });
}

/**
 * Dials a route for a connection whose descriptor is to be passed, so that TLS can be the kernel's. Resolves to undefined, with
 * nothing open, if it turns out in the middle that a relay is needed; the trace says why.
 */
export async function dialToPass(
  router: Router,
  route: Route,
  options: Omit<DialOptions, 'onNeedsRelay'>,
): Promise<Connection | undefined> {
  const { trace = noTrace } = options;
  const ending = makeAbortable();
  let relay: Error | undefined;
  const onNeedsRelay = (why: string): void => {
    if (ending.aborted) return;
    trace({ event: 'note', text: `${why}: ${AGAIN}` });
    relay = new Error('a relay is needed');
    ending.abort(relay);
  };
  const release = onAbort(options.signal, (reason) => ending.abort(reason));
  try {
    return await router.dial(route, { ...options, signal: ending, onNeedsRelay });
  } catch (error) {
    if (relay !== undefined && error === relay) return undefined;
    throw error;
  } finally {
    release();
  }
}

async function sendConnection(connection: Connection, { output }: Channel, { trace, signal }: Dial): Promise<void> {
  const sys = loadSys();
  const fd = connection.descriptor ?? -1;
  sys.setNonBlocking(fd, false); // most receivers expect that; the flag travels with the open file description
  await sendFd(output, fd, { sys, signal });
  trace({
    event: 'handed-over',
    as: 'descriptor',
    // System calls that only a listener who looks should pay for.
    get local() {
      return endsOf(connection).local;
    },
    get peer() {
      return endsOf(connection).peer;
    },
  });
}

/** Both addresses of an internet socket, for the log. A listener that looks too late finds none: our copy is closed then. */
function endsOf({ descriptor }: Connection): { local?: string; peer?: string } {
  if (descriptor === undefined) return {};
  const { family, local, peer } = describeFd(descriptor, loadSys());
  if (!family.startsWith('inet') || local === undefined || peer === undefined) return {};
  return { local: formatFdAddress(local), peer: formatFdAddress(peer) };
}

/** Copies bytes over the channel until both directions have ended. */
async function relayBytes(channel: Channel, dial: Dial, dialled?: Connection): Promise<Handover> {
  const { route, router, trace, options, signal, gone } = dial;
  const connection = dialled ?? (await router.dial(route, { signal, timeoutMs: options.timeoutMs, trace }));
  try {
    options.beforeBytes?.();
    trace({ event: 'handed-over', as: 'relay' });
    await relayConnection(channel, connection, { gone, clock: router.clock });
  } finally {
    connection.destroy();
  }
  return 'relay';
}
