import type { Socket, SocketConstructorOpts } from 'node:net';
import type { Duplex, DuplexOptions } from 'node:stream';
import { FdpassError } from '../ground/errors.js';
import { unlessBlocked } from '../ground/system-error.js';
import type { Poller, Readiness, Sys } from '../sys/sys.js';

/** `pauseOnCreate` wraps a descriptor without reading from it. Node documents neither that nor `handle`. */
type Options = SocketConstructorOpts & DuplexOptions & { readonly pauseOnCreate: true; readonly handle?: TcpHandle };

const SHUT_WR = 1;
const CHUNK = 64 * 1024;

/**
 * A stream over the descriptor of a connected stream socket, which it owns from the call on, even if the call fails. It
 * is paused, nothing is read, and half-open is allowed. It is a `net.Socket` where Node can wrap the descriptor; Node
 * cannot wrap a VM socket (vsock(7)), for instance.
 *
 * @throws FdpassError `internal` for what is not a stream socket.
 */
export function adoptFd(fd: number, sys: Sys): Duplex {
  return adoptBy(adoptSocket, fd, sys);
}

/** As {@link adoptFd} for what is known to be a socket of TCP. */
export function adoptTcpFd(fd: number, sys: Sys): Duplex {
  return adoptBy(adoptTcpSocket, fd, sys);
}

function adoptBy(adopt: (fd: number) => Socket, fd: number, sys: Sys): Duplex {
  try {
    return adopt(fd);
  } catch {
    // Told apart below: Node says the same of a VM socket and of a file.
  }
  try {
    sys.getpeername(fd);
    return streamOver(fd, sys);
  } catch (cause) {
    close(fd, sys);
    throw new FdpassError('internal', 'this descriptor is not a connected socket', { cause });
  }
}

let loaded: typeof Socket | undefined;

/** The class of `net.Socket`, which is loaded only by those who need a stream. */
export function nodeSocket(): typeof Socket {
  loaded ??= process.getBuiltinModule('node:net').Socket;
  return loaded;
}

/** A `net.Socket` over a descriptor, as {@link adoptFd} makes it. @throws whatever Node throws; the descriptor stays open. */
export function adoptSocket(fd: number): Socket {
  return wrap({ fd, ...OPTIONS });
}

function wrap(options: Options): Socket {
  return new (nodeSocket())(options);
}

const OPTIONS = {
  readable: true,
  writable: true,
  allowHalfOpen: true,
  pauseOnCreate: true,
  // As Node has them anyway. It would add them to a copy of these options, and on Node 20 that takes V8 6 µs.
  emitClose: false,
  autoDestroy: true,
  decodeStrings: false,
} as const;

/** What we use of the handle that a socket of TCP has. */
interface TcpHandle {
  /** 0, or why not. */
  open(fd: number): number;
  close(): void;
}

type TcpHandleClass = new (type: number) => TcpHandle;

const SOCKET = 0; // as opposed to one that listens

/** Known once Node has made a handle. */
let tcpHandle: TcpHandleClass | undefined;

/** As {@link adoptSocket}, without the four system calls by which Node finds out what a descriptor is. */
function adoptTcpSocket(fd: number): Socket {
  const handle = tcpHandle && new tcpHandle(SOCKET);
  if (handle?.open(fd) === 0) return wrap({ handle, ...OPTIONS });
  handle?.close();
  const socket = adoptSocket(fd);
  tcpHandle = tcpHandleOf(socket);
  return socket;
}

/** The class of Node's handles for TCP, which is to be had only of a socket that has one. */
export function tcpHandleOf(socket: Socket): TcpHandleClass | undefined {
  const made = (socket as Socket & { readonly _handle?: object })._handle?.constructor;
  return made?.name === 'TCP' ? (made as TcpHandleClass) : undefined;
}

/** Makes a call until it no longer fails with EAGAIN; before each new try it waits until the descriptor of `poller` is ready. */
export async function whenReady(poller: Poller, what: Readiness, call: () => number): Promise<number> {
  for (;;) {
    const result = unlessBlocked(call);
    if (result !== undefined) return result;
    await poller.until(what);
  }
}

/** A stream by system calls, for sockets that Node cannot wrap. */
export function streamOver(fd: number, sys: Sys): Duplex {
  const { Duplex: NodeDuplex } = process.getBuiltinModule('node:stream');
  const { MSG_DONTWAIT, MSG_NOSIGNAL = 0 } = sys.platform.constants;
  sys.setNonBlocking(fd, true);
  const poller = sys.poll(fd);
  const writeAll = async (chunk: Buffer): Promise<void> => {
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest;
      rest = rest.subarray(await whenReady(poller, 'writable', () => sys.send(fd, part, MSG_DONTWAIT | MSG_NOSIGNAL)));
    }
  };
  return new NodeDuplex({
    allowHalfOpen: true,
    read() {
      const buffer = Buffer.allocUnsafe(CHUNK);
      whenReady(poller, 'readable', () => sys.recv(fd, buffer, MSG_DONTWAIT)).then(
        (length) => void this.push(length === 0 ? null : buffer.subarray(0, length)),
        (error: Error) => void this.destroy(error),
      );
    },
    write(chunk: Buffer, _, done) {
      writeAll(chunk).then(() => done(), done);
    },
    final(done) {
      try {
        sys.shutdown(fd, SHUT_WR);
      } catch {
        // The other side has closed already.
      }
      done();
    },
    destroy(error, done) {
      poller.close(error ?? new Error('the stream was destroyed'));
      close(fd, sys);
      done(error);
    },
  }).pause();
}

function close(fd: number, sys: Sys): void {
  try {
    sys.close(fd);
  } catch {
    // Somebody else has closed it.
  }
}
