import type { LookupFunction, Socket } from 'node:net';
import { constants } from 'node:os';
import type { Connection } from '../connection/connection.js';
import { onAbort } from '../ground/abortable.js';
import { ipFamily } from '../ground/ip.js';
import { fromSystemError } from '../ground/system-error.js';
import { describeFd } from '../sys/descriptors.js';
import { findSys, loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import { beforeClose, type ClosableHandle, descriptorOver } from './ready-socket.js';

/*
 * A socket of Node's that connects as it always does, except that the connection is dialled by us. Everything that a
 * program can see of it (events and their order, time limits, queued writes, TLS on top) is then Node's own. Three places are
 * ours: the look-up, which waits for the dial, the handle's `connect`, which takes the dialled descriptor in place of making a
 * connection, and its `close`, which ends the dial.
 */

/** Where a socket is to be connected to, as `net.connect` takes it. Other options of that have no effect here. */
export interface LateOptions {
  /** 1 to 65535. */
  readonly port: number | string;
  /** A name or an address. Default: `localhost`. */
  readonly host?: string | null | undefined;
}

/** Dials for a socket. A rejection becomes the socket's `error`. */
export type LateDial = (signal: AbortSignal) => Promise<Connection>;

/** Marks the options of a call of `connect` that is ours, for {@link isLate}. Another copy of this package knows it too. */
const LATE = Symbol.for('fdpass.late-socket.v1');

/** Whether a call of `net.Socket`'s `connect` with these options was made by {@link connectLate}. */
export function isLate(options: object): boolean {
  return LATE in options;
}

/** Whether {@link connectLate} works here: it needs Node's own sockets, and koffi. */
export function canConnectLate(): boolean {
  return findSys() !== undefined;
}

/** What we use of a handle. TLS has one of its own, around that of TCP, its parent. */
interface Handle extends ClosableHandle {
  connect: (request: ConnectRequest) => number;
  connect6: (request: ConnectRequest) => number;
  open(fd: number): number;
  readonly _parent?: Handle;
}

interface ConnectRequest {
  oncomplete(status: number, handle: Handle, request: ConnectRequest, isReadable: boolean, isWritable: boolean): void;
}

type NodeSocket = Socket & { readonly _handle: Handle | null };

/** The function that a `lookup` option calls. */
type LookedUp = (error: Error | null, address?: string, family?: number) => void;

/** The connection that a handle waits for. */
const pending = new WeakMap<Handle, LateConnection>();

/**
 * Calls `connect` of `socket`, a `net.Socket` or a `tls.TLSSocket`, with the connection coming from `dial`. The socket owns
 * that; one that is destroyed before it is connected aborts the dial. One that is waiting for a connection fails with EALREADY, as in
 * Node.
 *
 * @throws FdpassError `internal` where koffi is missing; what `connect` itself throws for wrong options.
 */
export function connectLate(
  socket: Socket,
  options: LateOptions,
  dial: LateDial,
  whenConnected?: (() => void) | undefined,
): void {
  const { _handle: handle } = socket as NodeSocket;
  const earlier = handle === null ? undefined : pending.get(handle);
  const late = earlier ?? new LateConnection(socket as NodeSocket, loadSys());
  const { host, port } = options;
  const lookup = ((_host, _options, done: LookedUp) => late.whenDialled(done)) as LookupFunction;
  const given = { host: host || 'localhost', port: Number(port), autoSelectFamily: false, lookup, [LATE]: true };
  socket.connect(given, whenConnected);
  if (earlier === undefined) late.start(dial);
}

class LateConnection {
  readonly #socket: NodeSocket;
  readonly #sys: Sys;
  readonly #closed = new AbortController();
  readonly #dialling: Promise<Connection>;
  #begin: (dialling: Promise<Connection>) => void = () => {};
  #handle: Handle | null = null;
  /** Node has called the handle's `connect`. */
  #isWanted = false;
  /** From then on the socket has the connection. */
  #isTaken = false;

  constructor(socket: NodeSocket, sys: Sys) {
    this.#socket = socket;
    this.#sys = sys;
    this.#dialling = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  start(dial: LateDial): void {
    const socket = this.#socket;
    const handle = socket._handle;
    if (handle === null || socket.destroyed) return; // its signal had aborted
    const { signal } = this.#closed;
    beforeClose(handle, () => this.#closed.abort(new Error('the socket was destroyed')));
    this.#handle = handle;
    pending.set(handle, this);
    handle.connect = (request) => this.#complete(handle, request);
    handle.connect6 = handle.connect;
    this.#begin(dial(signal));
    this.#dialling.then(
      (connection) => onAbort(signal, () => this.#isTaken || connection.destroy()),
      () => {}, // whoever waits for it is told
    );
  }

  /** Tells where the dialled connection leads: the other end of its socket, which is the first proxy's if there is one. */
  whenDialled(done: LookedUp): void {
    this.#then((connection) => {
      const peer = peerOf(connection, this.#sys);
      done(null, peer.host, peer.family);
    }, done);
  }

  #complete(handle: Handle, request: ConnectRequest): number {
    if (this.#isWanted) return -constants.errno.EALREADY;
    this.#isWanted = true;
    const socket = this.#socket;
    const fail = (error: Error): void => void socket.destroy(error);
    this.#then((connection) => {
      const fd = this.#take(connection, fail);
      if (fd === undefined) return;
      const status = handle.open(fd);
      if (status !== 0) this.#sys.close(fd);
      leaveToNode(handle);
      request.oncomplete(status, handle._parent ?? handle, request, true, true);
    }, fail);
    return 0;
  }

  /** A socket that is destroyed loses its handle, and gets another if it is connected again. */
  #isOurs(): boolean {
    return this.#socket._handle === this.#handle;
  }

  /** In a turn of its own, if the socket is still there: what a program's listeners throw is then an uncaught exception, as with any socket. */
  #then(dialled: (connection: Connection) => void, failed: (error: Error) => void): void {
    this.#dialling.then(
      (connection) => process.nextTick(() => this.#isOurs() && dialled(connection)),
      (error: Error) => process.nextTick(() => this.#isOurs() && failed(error)),
    );
  }

  /** A descriptor that belongs to the caller; undefined if there is none to be had, of which `fail` is told. */
  #take(connection: Connection, fail: (error: Error) => void): number | undefined {
    const { descriptor } = connection;
    this.#isTaken = true;
    try {
      if (descriptor === undefined || describeFd(descriptor, this.#sys).family === 'vsock') {
        return descriptorOver(connection.toStream(), this.#closed.signal, fail);
      }
      const fd = this.#sys.dup(descriptor);
      connection.destroy();
      return fd;
    } catch (error) {
      connection.destroy();
      fail(fromSystemError(error, 'cannot take over the connection'));
      return undefined;
    }
  }
}

/** From now on `connect` of a handle is Node's own. */
function leaveToNode(handle: Partial<Handle> & object): void {
  pending.delete(handle as Handle);
  delete handle.connect;
  delete handle.connect6;
}

/** A socket of another kind has no address that Node would take. */
function peerOf({ descriptor }: Connection, sys: Sys): { readonly host: string; readonly family: number } {
  const peer = descriptor === undefined ? undefined : describeFd(descriptor, sys).peer;
  if (peer === undefined || !('address' in peer)) return { host: '0.0.0.0', family: 4 };
  return { host: peer.address, family: ipFamily(peer.address) };
}
