import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { FdpassError } from '../ground/errors.js';
import type { Sys } from '../sys/sys.js';

/*
 * Descriptors out of Node's sockets and into them. What is undocumented in Node is used here and nowhere else:
 * `socket._handle.fd` (there is no other way to a socket's descriptor) and the option `pauseOnCreate` (there is no other
 * way to wrap a descriptor without reading from it). detach.spec.ts pins both.
 */

interface Handle {
  readonly fd?: number;
  /** Bytes accepted but not yet written. */
  readonly writeQueueSize?: number;
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}

/** Whether `stream` is a connected kernel socket of Node's own kind: not TLS, not a library's stream, not closed. */
export function isPlainSocket(stream: Duplex): stream is Socket {
  // Another copy of a class that extends net.Socket, such as TLSSocket, has its own prototype.
  if (Object.getPrototypeOf(stream) !== Socket.prototype) return false;
  const socket = stream as Socket;
  return !socket.destroyed && !socket.connecting && (handleOf(socket)?.fd ?? -1) >= 0;
}

/** Whether the descriptor of a plain socket holds the whole state of the connection: nothing read ahead, nothing unsent. */
export function isUntouched(socket: Socket): boolean {
  return socket.readableLength === 0 && socket.writableLength === 0 && (handleOf(socket)?.writeQueueSize ?? 0) === 0;
}

/**
 * Takes the descriptor out of a connected socket. The Node object is destroyed, the connection is not: there is no
 * shutdown and no byte is lost, because all of it happens before the event loop can read again. The descriptor is
 * close-on-exec and the caller's; O_NONBLOCK is still set.
 *
 * @throws FdpassError `internal`, leaving the socket as it was, if it is not plain or has bytes read ahead or unsent.
 */
export function detachFd(socket: Socket, sys: Sys): number {
  const fd = isPlainSocket(socket) ? handleOf(socket)?.fd : undefined;
  if (fd === undefined)
    throw new FdpassError('internal', 'this stream is no connected kernel socket: it has no descriptor to take');
  if (!isUntouched(socket))
    throw new FdpassError('internal', 'this socket holds bytes that its descriptor would leave behind');
  const copy = sys.dup(fd);
  socket.on('error', () => {}).destroy(); // closes the original at once
  return copy;
}

/** Read into a buffer of our own (net.connect's `onread`, which the constructor takes too). */
export interface AdoptOptions {
  readonly onread?: OnReadOpts;
}

type Undocumented = SocketConstructorOpts & AdoptOptions & { readonly pauseOnCreate: true };

/**
 * Wraps the descriptor of a stream socket, connected or not. The socket owns it from the call on, even if the call
 * fails; it is paused, nothing is read, and half-open is allowed.
 */
export function adoptFd(fd: number, sys: Sys, options: AdoptOptions = {}): Socket {
  try {
    const all: Undocumented = {
      fd,
      readable: true,
      writable: true,
      allowHalfOpen: true,
      pauseOnCreate: true,
      ...options,
    };
    return new Socket(all);
  } catch (error) {
    sys.close(fd);
    throw new FdpassError('internal', 'this descriptor is no stream socket that Node could wrap', { cause: error });
  }
}
