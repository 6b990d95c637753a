import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { adoptFd } from '../connection/detach.js';
import { fromSystemError } from '../ground/system-error.js';
import { relay } from '../handover/relay.js';
import { loadSys } from '../sys/koffi.js';

/**
 * The stream of a dial as a `net.Socket` that behaves as one from `net.connect`: it begins to flow when somebody listens
 * for `data`, and ends its own side when the other has ended. A stream that is no socket (a library's own, a VM socket)
 * is put behind one end of a socketpair, and a relay in this process copies between the two.
 */
export async function readySocket(stream: Duplex): Promise<Socket> {
  const socket = stream instanceof Socket ? stream : await behindSocket(stream);
  socket.allowHalfOpen = false;
  // Dialled sockets are paused by hand, and then a `data` listener would wait for ever. null: nobody has decided yet.
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  return socket;
}

async function behindSocket(stream: Duplex): Promise<Socket> {
  const [near, far] = await socketPair(stream);
  relay({ readable: far, writable: far }, { readable: stream, writable: stream }).catch((error: Error) => {
    near.destroy(error); // what broke the stream breaks the socket
  });
  return near;
}

/** Two ends of a connection within this process; `stream`, whose they would be, is destroyed if there are none to be had. */
async function socketPair(stream: Duplex): Promise<readonly [Socket, Socket]> {
  try {
    const sys = await loadSys();
    const [ours, theirs] = sys.socketpair();
    return [adoptFd(ours, sys), adoptFd(theirs, sys)];
  } catch (error) {
    stream.on('error', () => {}).destroy();
    throw fromSystemError(error, 'cannot make a socket for this stream');
  }
}
