import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  canPass,
  channelKind,
  chooseHandover,
  dialDetached,
  formatError,
  formatHostPort,
  type Handover,
  type PassableStream,
  passSocket,
  type Route,
  type Router,
  relay,
  startDeadline,
  systemClock,
  type Trace,
} from '@fdpass/core';
import { type Arguments, usage } from './arguments.js';
import { configCache } from './config-cache.js';
import { makeLog } from './log.js';
import { openStdio, watchForGoneParent } from './stdio.js';
import { type DialRequest, frameworkFor, readRequest, routeFor } from './target-options.js';
import { FDPASS } from './usage.js';

const STDOUT = 1;

/** The first argument that makes the command a relay process. */
export const RELAY_ARGUMENT = '--detached-relay';

/** How much longer the waiting process waits than its relay process, so that the error of the one that knows more wins. */
const RELAY_GRACE_MS = 1000;

/** One dial on its way to a hand-over. */
interface Job {
  readonly request: DialRequest;
  readonly router: Router;
  readonly route: Route;
  readonly trace: Trace;
  readonly signal?: AbortSignal | undefined;
}

/** `fdpass HOST PORT`: connects, hands the connection over through stdout, and is done. */
export async function connect(args: Arguments): Promise<number> {
  const request = readRequest(args);
  const trace = makeLog({ verbosity: args.count('verbose'), file: args.value('log') });
  try {
    await connectAs(request, askedHandover(args), trace);
    return 0;
  } catch (error) {
    trace({ event: 'failed', error: formatError(error) }); // the log may be all that the user ever sees
    throw error;
  }
}

async function connectAs(request: DialRequest, asked: Handover | undefined, trace: Trace): Promise<void> {
  // Only for a socket the answer needs system calls, and loading them can wait until the network is waited for.
  const isSocket = channelKind(STDOUT) === 'socket' && asked !== 'relay';
  const handover = isSocket ? 'descriptor' : await chooseHandover(STDOUT, asked);
  const router = await frameworkFor(request, configCache()).router();
  const route = await routeFor(request, router);
  trace({ event: 'route', reason: route.reason, chain: route.chain.hops.map((hop) => hop.label).join(' -> ') });
  const job = { request, router, route, trace };
  await (handover === 'descriptor' ? passDescriptor(job, asked) : relayStdio(job));
}

function askedHandover(args: Arguments): Handover | undefined {
  if (args.flag('stdio') && args.flag('fdpass')) throw usage(FDPASS, '--stdio and --fdpass exclude each other');
  if (args.flag('stdio')) return 'relay';
  return args.flag('fdpass') ? 'descriptor' : undefined;
}

async function passDescriptor(unwatched: Job, asked: Handover | undefined): Promise<void> {
  const gone = new AbortController();
  const job = { ...unwatched, signal: gone.signal };
  const started = systemClock.now();
  const dialling = job.route.chain.dialer.needsRelay === true ? Promise.resolve(undefined) : dial(job);
  dialling.catch(() => {}); // met below; until then it may fail unseen
  await new Promise(setImmediate); // lets the dial reach its first system call
  if ((await chooseHandover(STDOUT, asked)) === 'relay') return relayStdio(job, await dialling);
  void watchForGoneParent(gone);
  const socket = (await passable(job, await dialling)) ?? (await dialRelayed(job, started));
  const ends = socketEnds(socket);
  await passSocket(socket, STDOUT, job.signal);
  job.trace({ event: 'handed-over', as: 'descriptor', ...ends });
}

/** The stream if its descriptor can be handed over; undefined, and the stream destroyed, if not. */
async function passable(job: Job, stream: Duplex | undefined): Promise<PassableStream | undefined> {
  if (stream === undefined || canPass(stream)) return stream;
  stream.on('error', () => {}).destroy();
  job.trace({ event: 'note', text: 'the stream is no plain socket: dialling again in a relay process' });
  return undefined;
}

/** Lets a detached process dial and relay; what comes back is our end of the socketpair to it. */
async function dialRelayed(job: Job, startedMs: number): Promise<Socket> {
  const limitMs = job.request.timeoutMs ?? job.route.timeoutMs;
  const leftMs = limitMs > 0 ? Math.max(1, limitMs - (systemClock.now() - startedMs)) : 0;
  const deadline = startDeadline(leftMs > 0 ? leftMs + RELAY_GRACE_MS : 0, job.signal, systemClock);
  try {
    return await dialDetached({
      command: [process.execPath, ...process.execArgv, process.argv[1] ?? '', RELAY_ARGUMENT],
      request: { ...job.request, timeoutMs: leftMs } satisfies DialRequest,
      signal: deadline.signal,
    });
  } finally {
    deadline.release();
  }
}

/** Both addresses of a TCP socket, for the log; what they are is known to the kernel only until the socket is taken apart. */
function socketEnds(stream: PassableStream): {
  local?: string;
  peer?: string;
} {
  if (!('localAddress' in stream)) return {};
  const { localAddress, localPort = 0, remoteAddress, remotePort = 0 } = stream;
  if (localAddress === undefined || remoteAddress === undefined) return {};
  return { local: formatHostPort(localAddress, localPort), peer: formatHostPort(remoteAddress, remotePort) };
}

async function relayStdio(job: Job, dialled?: Duplex): Promise<void> {
  const stream = dialled ?? (await dial(job));
  job.trace({ event: 'handed-over', as: 'relay' });
  await relay(openStdio(), { readable: stream, writable: stream });
}

function dial({ router, route, request, trace, signal }: Job): Promise<Duplex> {
  return router.dial(route, { signal, timeoutMs: request.timeoutMs, trace });
}

/** The life of a relay process: dials what the waiting process asks for. Its own errors travel back over the control channel. */
export async function dialForRelay(request: DialRequest, signal: AbortSignal): Promise<Duplex> {
  const router = await frameworkFor(request).router();
  const route = await routeFor(request, router);
  return router.dial(route, { signal, timeoutMs: request.timeoutMs });
}
