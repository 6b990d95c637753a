import type { Connection } from '../connection/connection.js';
import { type AbortState, makeAbortable, onAbort } from '../ground/abortable.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { findSys, loadSys } from '../sys/koffi.js';
import type { Poller, Sys } from '../sys/sys.js';
import { type Channel, type ChannelKind, channelKind, channelStreams } from './channel.js';
import { prepareDescriptorRelay } from './descriptor-relay.js';
import { type RelayOptions, type RelayResult, relay } from './relay.js';

/** Whether the program at the other end of a channel is still there. */
export interface CallerWatch {
  /** What it writes to. */
  readonly input: ChannelKind;
  /** Aborts when the caller has gone. */
  readonly gone: AbortState;
  /** Stops watching. */
  release(): void;
}

/** How often to check on a caller that has ended only its own side: no event tells when it closes the other one too. */
const LOOK_INTERVAL_MS = 200;

/**
 * Watches the program that wants the connection: ssh gives its ProxyCommand one end of a socketpair and sends nothing over
 * it, so the end of that is the only sign that ssh has exited.
 *
 * The caller has gone when nobody is left who could write to the channel's input or read from its output. A half-close is
 * not that: it is passed on, and the caller still reads. A caller that gave a file as input is not watched.
 */
export function watchCaller(channel: Channel, clock: Clock): CallerWatch {
  const input = channelKind(channel.input);
  const gone = makeAbortable();
  const sys = WATCHABLE.has(input) ? findSys() : undefined;
  if (sys === undefined) return { input, gone, release() {} };
  const release = onHangUp(channel, sys, clock, () =>
    gone.abort(new FdpassError('unreachable', 'the program that wanted this connection has exited')),
  );
  return { input, gone, release };
}

/** How long a dial goes on for what the caller may have left in a pipe. */
const LEFT_IN_PIPE_MS = 5000;

/** Whether a dial is in vain. */
export interface DialWatch {
  /** Aborts when it is, for the reason of the caller's signal. */
  readonly signal: AbortState;
  /** Stops watching. */
  release(): void;
}

/**
 * Watches for the end of a caller during the dial for it. What a pipe still holds is delivered even if whoever wrote it has exited,
 * without a limit if the output goes to a file, which tells nothing about a reader. If it went to another pipe, nobody reads that
 * any more, and most likely the pipe holds the greeting of a killed ssh: the dial then has a few seconds left.
 */
export function watchDial({ output }: Channel, { input, gone }: CallerWatch, clock: Clock): DialWatch {
  if (input === 'socket') return { signal: gone, release() {} };
  const vain = makeAbortable();
  let cancel = (): void => {};
  const onGone = (reason: unknown): void => {
    cancel = clock.after(LEFT_IN_PIPE_MS, () => vain.abort(reason));
  };
  const ignore = isWatchable(output) ? onAbort(gone, onGone) : () => {};
  return {
    signal: vain,
    release() {
      ignore();
      cancel();
    },
  };
}

/** Calls `listener` when both ends have hung up. Only the input is waited for: the output can be closed meanwhile. */
function onHangUp({ input, output }: Channel, sys: Sys, clock: Clock, listener: () => void): () => void {
  let release = (): void => {};
  const start = (): void => {
    const poller = sys.poll(input, { isShared: true });
    const fds = [input, output].filter(isWatchable);
    const cancel = afterHangUp(poller, () => fds.every((fd) => sys.isHungUp(fd)), clock, listener);
    release = () => {
      poller.close();
      cancel();
    };
  };
  const starting = setImmediate(start); // a dial that ends before that, as one on this machine can, needs no watch
  return () => {
    clearImmediate(starting);
    release();
  };
}

/** Calls `listener` once the other side of what `poller` polls has closed, as `isHungUp` tells. Returns how to stop looking. */
export function afterHangUp(
  poller: Pick<Poller, 'until'>,
  isHungUp: () => boolean,
  clock: Clock,
  listener: () => void,
): () => void {
  let isOver = false;
  let cancel = (): void => {};
  const look = (): void => {
    if (isOver) return;
    if (isHungUp()) listener();
    else cancel = clock.after(LOOK_INTERVAL_MS, look);
  };
  poller.until('closed').then(look, () => {}); // released
  return () => {
    isOver = true;
    cancel();
  };
}

/** What somebody is at the other end of. */
const WATCHABLE: ReadonlySet<ChannelKind> = new Set(['socket', 'pipe', 'terminal']);

function isWatchable(fd: number): boolean {
  return WATCHABLE.has(channelKind(fd));
}

/** Relays between a channel and a connection, as {@link relayConnection} does, until the caller has gone. */
export async function relayOver(
  channel: Channel,
  connection: Connection,
  clock: Clock = systemClock,
): Promise<RelayResult> {
  const caller = watchCaller(channel, clock);
  try {
    return await relayConnection(channel, connection, { gone: caller.gone, clock });
  } finally {
    caller.release();
  }
}

/**
 * Copies bytes between a channel and a connection, both of which are closed in the end: within the kernel if both are
 * descriptors of pipes and sockets, through streams otherwise.
 */
export async function relayConnection(
  channel: Channel,
  connection: Connection,
  options: RelayOptions,
): Promise<RelayResult> {
  try {
    const { descriptor, readsRecords = false } = connection as Connection & { readonly readsRecords?: boolean };
    const byDescriptors =
      descriptor === undefined || readsRecords ? undefined : prepareDescriptorRelay(channel, descriptor, loadSys());
    if (byDescriptors !== undefined) return await byDescriptors.run(options);
    const far = connection.toStream();
    return await relay(channelStreams(channel), { readable: far, writable: far }, options);
  } finally {
    connection.destroy();
  }
}
