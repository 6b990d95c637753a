import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { DescriptorConnection } from '../connection/descriptor.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { findSys, loadSys } from '../sys/koffi.js';
import { afterHangUp } from './caller.js';
import { prepareConnectionRelay } from './descriptor-relay.js';
import { type RelayResult, type RelaySide, relay } from './relay.js';
import { PipePool } from './store.js';

/** How {@link relayBetween} copies. */
export interface BetweenOptions {
  /** Shared by many relays. Default: bytes are copied through streams. */
  readonly pipes?: PipePool | undefined;
  /** Ends it at once; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** Pipes for {@link relayBetween}, which the caller closes; undefined where bytes cannot be moved within the kernel. */
export function openPipes(): PipePool | undefined {
  const sys = findSys();
  return sys?.splicing && new PipePool(sys.splicing, sys);
}

/**
 * Copies bytes between two connections, both of which are closed in the end: between a client (`near`) and what it wanted
 * (`far`). The end of one side is passed on as a half-close. It is over when both have ended, or one was closed or reset.
 */
export async function relayBetween(
  near: Connection,
  far: Connection,
  { pipes, signal, clock = systemClock }: BetweenOptions = {},
): Promise<RelayResult> {
  const gone = new AbortController();
  const clientClosed = (): void => gone.abort(new FdpassError('unreachable', 'the client has closed'));
  const byDescriptors = pipes && prepareConnectionRelay(near, far, pipes, loadSys());
  const release = watchNear(near, byDescriptors === undefined, clock, clientClosed);
  const options = { gone: gone.signal, signal, clock };
  try {
    if (byDescriptors !== undefined) return await byDescriptors.run(options);
    const [nearStream, farStream] = [near.toStream(), far.toStream()];
    const side = (stream: Duplex): RelaySide => ({ readable: stream, writable: stream });
    return await relay(side(nearStream), side(farStream), options);
  } finally {
    release();
    near.destroy();
    far.destroy();
  }
}

/**
 * A client that has ended its own side can still read; no event tells when it closes the other one too. A stream takes the
 * connection's own poller away, so it needs another.
 */
function watchNear(near: Connection, isStream: boolean, clock: Clock, listener: () => void): () => void {
  const { descriptor } = near;
  if (!(near instanceof DescriptorConnection) || descriptor === undefined) return () => {};
  const sys = loadSys();
  const poller = isStream ? sys.poll(descriptor, { isShared: true }) : undefined;
  const release = afterHangUp(poller ?? near, () => sys.isHungUp(descriptor), clock, listener);
  return () => {
    release();
    poller?.close();
  };
}
