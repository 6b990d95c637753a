import { rememberModes } from '../sys/descriptors.js';
import type { Poller, Splicing, Sys } from '../sys/sys.js';
import { type Channel, channelKind, closeOutput } from './channel.js';
import { type CopyPort, DescriptorCopy } from './descriptor-copy.js';
import { type RelayOptions, type RelayResult, untilOver } from './relay.js';
import { PipeStore } from './store.js';

const SHUT_WR = 1;
const STDERR = 2;

/** A relay of descriptors that can be started. */
export interface DescriptorRelay {
  /** Copies until it is over, as {@link relay} does. The channel's descriptors are closed in the end, `far` is not. */
  run(options: RelayOptions): Promise<RelayResult>;
}

/**
 * Prepares a relay between a channel and the socket `far` in which bytes stay in the kernel (splice(2)). Undefined where
 * that is not possible: a side is a terminal or a file, the system is not Linux, or no descriptor is left for the two pipes.
 */
export function prepareDescriptorRelay(channel: Channel, far: number, sys: Sys): DescriptorRelay | undefined {
  const { splicing } = sys;
  if (splicing === undefined || ![channel.input, channel.output].every(canBeSpliced)) return undefined;
  const pipes = openStores(splicing, sys);
  return pipes && { run: (options) => relayDescriptors(channel, far, sys, pipes, options) };
}

function canBeSpliced(fd: number): boolean {
  return ['socket', 'pipe'].includes(channelKind(fd));
}

function openStores(splicing: Splicing, sys: Sys): readonly [PipeStore, PipeStore] | undefined {
  let first: PipeStore | undefined;
  try {
    first = new PipeStore(splicing, sys);
    return [first, new PipeStore(splicing, sys)];
  } catch {
    first?.close();
    return undefined;
  }
}

function relayDescriptors(
  { input, output }: Channel,
  far: number,
  sys: Sys,
  [upStore, downStore]: readonly [PipeStore, PipeStore],
  options: RelayOptions,
): Promise<RelayResult> {
  const farPort = new FarPort(far, sys);
  const inputPort = new ChannelPort(input, sys);
  const outputPort = output === input ? inputPort : new ChannelPort(output, sys, true);
  const up = new DescriptorCopy(inputPort, farPort, upStore);
  const down = new DescriptorCopy(farPort, outputPort, downStore);
  const close = (): void => {
    for (const port of new Set([farPort, inputPort, outputPort])) port.close();
    for (const copy of [up, down]) copy.stop();
  };
  return untilOver({ up, down, isTerminal: false, close }, options);
}

/** The network's side: a socket that belongs to the connection. */
class FarPort implements CopyPort {
  readonly fd: number;
  readonly poller: Poller;
  readonly #sys: Sys;

  constructor(fd: number, sys: Sys) {
    sys.setNonBlocking(fd, true);
    this.fd = fd;
    this.poller = sys.poll(fd);
    this.#sys = sys;
  }

  end(): void {
    shutDown(this.fd, this.#sys);
  }

  close(): void {
    this.poller.close();
  }
}

/** The user's side: a pipe or a socket that other processes can share. A pipe keeps its mode, a socket gets it back. */
class ChannelPort implements CopyPort {
  readonly fd: number;
  readonly poller: Poller;
  readonly #sys: Sys;
  readonly #isSocket: boolean;
  readonly #isOutput: boolean;
  readonly #restoreMode: () => void;
  #isClosed = false;

  constructor(fd: number, sys: Sys, isOutput = false) {
    this.fd = fd;
    this.#sys = sys;
    this.#isSocket = channelKind(fd) === 'socket';
    this.#isOutput = isOutput;
    this.#restoreMode = this.#isSocket ? rememberModes([fd], sys) : () => {};
    if (this.#isSocket) sys.setNonBlocking(fd, true); // splice(2) waits for a socket that blocks
    this.poller = sys.poll(fd, { isShared: true });
  }

  end(): void {
    if (this.#isSocket) shutDown(this.fd, this.#sys);
    else this.close(); // nothing else tells the reader of a pipe
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.poller.close(); // it can have a copy of the descriptor
    this.#restoreMode();
    if (this.#isOutput && !this.#isSocket) closeOutput(this.fd, this.#sys);
    else if (this.fd > STDERR) this.#sys.close(this.fd); // Node keeps the standard streams open too
  }
}

function shutDown(fd: number, sys: Sys): void {
  try {
    sys.shutdown(fd, SHUT_WR);
  } catch {
    // The other side has closed already.
  }
}
