import type { Connection } from '../connection/connection.js';
import type { Sys } from '../sys/sys.js';
import { type Channel, channelKind } from './channel.js';
import { DOWN, UP } from './copy.js';
import { ChannelPort, connectionPort, type Port, SocketPort } from './copy-ports.js';
import { DescriptorCopy } from './descriptor-copy.js';
import { type RelayOptions, type RelayResult, untilOver } from './relay.js';
import { PipePool, PipeStore } from './store.js';

/** A relay of descriptors that can be started. */
export interface DescriptorRelay {
  /** Copies until it is over, as {@link relay} does. The channel's descriptors are closed in the end, `far` is not. */
  run(options: RelayOptions): Promise<RelayResult>;
}

/**
 * Prepares a relay between a channel and the socket `far` in which bytes stay in the kernel (splice(2)). Undefined where
 * that is not possible: a side is a terminal or a file, the system is not Linux, or no descriptor is left for two pipes.
 */
export function prepareDescriptorRelay(channel: Channel, far: number, sys: Sys): DescriptorRelay | undefined {
  const { splicing } = sys;
  const { input, output } = channel;
  if (splicing === undefined || ![input, output].every(canBeSpliced)) return undefined;
  const pipes = new PipePool(splicing, sys);
  try {
    pipes.reserve(2); // a pipe of the channel that blocks can only be spliced: it cannot be read and written instead
  } catch {
    return undefined;
  }
  return {
    run(options) {
      const inputPort = new ChannelPort(input, sys);
      const outputPort = output === input ? inputPort : new ChannelPort(output, sys, true);
      const ports = { input: inputPort, output: outputPort, far: new SocketPort(far, sys) };
      return relayPorts(ports, pipes, options).finally(() => pipes.close());
    },
  };
}

function canBeSpliced(fd: number): boolean {
  return ['socket', 'pipe'].includes(channelKind(fd));
}

/** The same between two connections, neither of which is closed in the end. Undefined if one has no descriptor. */
export function prepareConnectionRelay(
  near: Connection,
  far: Connection,
  pipes: PipePool,
  sys: Sys,
): DescriptorRelay | undefined {
  if (!hasDescriptor(near) || !hasDescriptor(far)) return undefined;
  return {
    run(options) {
      const nearPort = connectionPort(near, sys);
      return relayPorts({ input: nearPort, output: nearPort, far: connectionPort(far, sys) }, pipes, options);
    },
  };
}

function hasDescriptor(connection: Connection): connection is Connection & { readonly descriptor: number } {
  return connection.descriptor !== undefined;
}

interface Ports {
  readonly input: Port;
  readonly output: Port;
  readonly far: Port;
}

function relayPorts({ input, output, far }: Ports, pipes: PipePool, options: RelayOptions): Promise<RelayResult> {
  const up = new DescriptorCopy(input, far, new PipeStore(pipes), UP);
  const down = new DescriptorCopy(far, output, new PipeStore(pipes), DOWN);
  const close = (): void => {
    for (const port of new Set([far, input, output])) port.close();
    for (const copy of [up, down]) copy.stop();
  };
  return untilOver({ up, down, isTerminal: false, close }, options);
}
