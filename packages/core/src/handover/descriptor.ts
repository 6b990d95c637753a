import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { detachFd, isPlainSocket, isUntouched } from '../connection/detach.js';
import { type FdStream, isFdStream } from '../connection/fd-stream.js';
import { loadSys } from '../sys/koffi.js';
import { sendFd, setBlocking } from '../sys/send-fd.js';

/** A stream whose descriptor can be handed over. */
export type PassableStream = Socket | FdStream;

/** Whether the descriptor behind `stream` can be handed over as it is: a kernel socket with nothing read ahead. */
export function canPass(stream: Duplex): stream is PassableStream {
  if (isFdStream(stream)) return stream.isUntouched;
  return isPlainSocket(stream) && isUntouched(stream);
}

/**
 * Passes the descriptor behind `stream` over the unix socket `channel` (SCM_RIGHTS with one byte, as ssh's
 * ProxyUseFdpass expects it) and closes our copy, without shutdown. The descriptor arrives in blocking mode.
 *
 * @throws FdpassError if the receiver is gone; then the connection is closed.
 */
export async function passSocket(stream: PassableStream, channel: number, signal?: AbortSignal): Promise<void> {
  const sys = await loadSys();
  const fd = isFdStream(stream) ? stream.detach() : detachFd(stream, sys);
  try {
    setBlocking(fd, sys); // ssh and most receivers expect it; the flag travels with the open file description
    await sendFd(channel, fd, { sys, ...(signal && { signal }) });
  } finally {
    sys.close(fd);
  }
}
