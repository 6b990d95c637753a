import { FdpassError } from '../ground/errors.js';
import { errnoName, reasonOf } from '../ground/system-error.js';
import { loadSys } from './koffi.js';
import { encodeRights } from './message.js';
import type { Sys } from './sys.js';

/** How a descriptor is sent or received. */
export interface FdTransferOptions {
  /** Default: the real system calls. */
  readonly sys?: Sys | undefined;
  /** Its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Passes `fd` over the unix socket `channel` with SCM_RIGHTS and one zero byte, which is what OpenSSH's
 * `mm_receive_fd` waits for (monitor_fdpass.c). The receiver gets a descriptor of its own; the caller still owns `fd`.
 *
 * A full channel is waited for. @throws FdpassError `unreachable` if the receiver is gone, `internal` for all else.
 */
export async function sendFd(
  channel: number,
  fd: number,
  { sys: given, signal }: FdTransferOptions = {},
): Promise<void> {
  const sys = given ?? (await loadSys());
  const { layout, constants } = sys.platform;
  const control = encodeRights(layout, constants.SOL_SOCKET, constants.SCM_RIGHTS, [fd]);
  const flags = constants.MSG_NOSIGNAL ?? 0; // ssh ignores SIGPIPE for us, others may not
  for (;;) {
    signal?.throwIfAborted();
    try {
      if (sys.sendmsg(channel, Buffer.alloc(1), control, flags) === 1) return;
    } catch (error) {
      if (errnoName(error) !== 'EAGAIN') throw sendError(error);
      await sys.wait(channel, 'writable', signal);
    }
  }
}

function sendError(error: unknown): FdpassError {
  const name = errnoName(error) ?? '';
  const isGone = name === 'EPIPE' || name === 'ECONNRESET' || name === 'ENOTCONN';
  const why = isGone ? 'the receiver is gone' : reasonOf(error);
  return new FdpassError(isGone ? 'unreachable' : 'internal', `cannot pass the descriptor: ${why} (${name})`, {
    cause: error,
  });
}

/** Clears O_NONBLOCK, which travels with a passed descriptor and which receivers do not expect. */
export function setBlocking(fd: number, sys: Sys): void {
  sys.setNonBlocking(fd, false);
}
