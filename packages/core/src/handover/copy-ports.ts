import type { Connection } from '../connection/connection.js';
import { DescriptorConnection } from '../connection/descriptor.js';
import { rememberModes } from '../sys/descriptors.js';
import type { Poller, Sys } from '../sys/sys.js';
import { channelKind, closeOutput } from './channel.js';
import type { CopyPort } from './descriptor-copy.js';

/** A {@link CopyPort} that lets go of what it waits by. */
export interface Port extends CopyPort {
  /** Ends all waits. */
  close(): void;
}

const SHUT_WR = 1;
const STDERR = 2;

/** The socket of a connection, which is not closed with it. */
export class SocketPort implements Port {
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

/** The same for one that waits for its descriptor itself: another poller would need a descriptor of its own. */
export function connectionPort(connection: Connection & { readonly descriptor: number }, sys: Sys): Port {
  const { descriptor: fd } = connection;
  if (!(connection instanceof DescriptorConnection)) return new SocketPort(fd, sys);
  sys.setNonBlocking(fd, true); // splice(2) waits for a socket that blocks
  return { fd, poller: connection, end: () => shutDown(fd, sys), close() {} };
}

/** The user's side: a pipe or a socket that other processes can share. A pipe keeps its mode, a socket gets it back. */
export class ChannelPort implements Port {
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
