import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { adoptSocket, nodeSocket } from '../connection/descriptor-stream.js';
import { fromSystemError } from '../ground/system-error.js';
import { relay } from '../handover/relay.js';
import { loadSys } from '../sys/koffi.js';

/**
 * A connection as a `net.Socket` that behaves like one from `net.connect`: it has started to read, flows when somebody
 * listens for `data`, and ends its own side when the other has ended. A stream that is not a socket (a library's own, a VM
 * socket) is put behind one end of a socketpair, and a relay in this process copies between the two.
 */
export function readySocket(connection: Connection): Socket {
  const stream = connection.toStream();
  const socket = stream instanceof nodeSocket() ? stream : behindSocket(stream);
  socket.allowHalfOpen = false;
  // Dialled sockets are paused by hand, and then a `data` listener would wait for ever. null: nobody has decided yet.
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  socket.read(0); // clients that use the handle itself, such as http2, rely on reading having started
  return socket;
}

function behindSocket(stream: Duplex): Socket {
  const gone = new AbortController();
  const near = adoptSocket(descriptorOver(stream, gone.signal, (error) => void near.destroy(error)));
  beforeClose((near as Socket & { readonly _handle: ClosableHandle })._handle, () => gone.abort());
  return near;
}

/** What we use of the handle of a socket. */
export interface ClosableHandle {
  close: (done?: () => void) => void;
}

/** Calls `listener` when a socket closes its handle. A program can remove all listeners of the event, but not this one. */
export function beforeClose(handle: ClosableHandle, listener: () => void): void {
  const close = handle.close.bind(handle);
  handle.close = (done) => {
    listener();
    close(done);
  };
}

/**
 * One end of a socketpair, which belongs to the caller, with a relay in this process between the other end and `stream`.
 * `gone` aborts when the caller has closed its end; `broken` is told what broke the stream. `stream` is destroyed if there is
 * no pair to be had.
 *
 * @throws FdpassError
 */
export function descriptorOver(stream: Duplex, gone: AbortSignal, broken: (error: Error) => void): number {
  const [near, far] = socketPair(stream);
  relay({ readable: far, writable: far }, { readable: stream, writable: stream }, { gone }).catch(broken);
  return near;
}

function socketPair(stream: Duplex): readonly [near: number, far: Socket] {
  try {
    const [near, far] = loadSys().socketpair();
    return [near, adoptSocket(far)];
  } catch (error) {
    stream.on('error', () => {}).destroy();
    throw fromSystemError(error, 'cannot make a socket for this stream');
  }
}
