import { FdpassError } from '../ground/errors.js';
import { errnoName, reasonOf } from '../ground/system-error.js';
import { loadSys } from './koffi.js';
import { controlSpace } from './message.js';
import type { FdTransferOptions } from './send-fd.js';
import type { Sys } from './sys.js';

/** Room for this many descriptors, so that a sender of too many is noticed and they can be closed. */
const MAX_FDS = 32;

/**
 * Receives one descriptor over the unix socket `channel`: one message of data with SCM_RIGHTS, as OpenSSH's
 * `mm_receive_fd` takes it. The descriptor is close-on-exec and the caller's; of several only the first is kept.
 *
 * @throws FdpassError `protocol` if the other side closes, sends data without a descriptor or more than fits; nothing
 * stays open then. The signal's reason on abort.
 */
export async function recvFd(channel: number, { sys: given, signal }: FdTransferOptions = {}): Promise<number> {
  const sys = given ?? (await loadSys());
  const { bytes, flags, fds } = await receive(channel, sys, signal);
  const [first, ...extra] = fds;
  const isTruncated = (flags & sys.platform.constants.MSG_CTRUNC) !== 0;
  if (first !== undefined && !isTruncated) {
    closeAll(extra, sys);
    if (sys.platform.constants.MSG_CMSG_CLOEXEC === undefined) sys.setCloseOnExec(first);
    return first;
  }
  closeAll(fds, sys);
  if (isTruncated)
    throw new FdpassError('protocol', 'more descriptors were passed than there is room for', {
      hint: 'raise the limit: ulimit -n',
    });
  throw new FdpassError(
    'protocol',
    bytes === 0 ? 'closed without passing a descriptor' : 'sent data but no descriptor',
    {
      hint: 'the command must pass a descriptor over its stdout, as ssh wants it with ProxyUseFdpass',
    },
  );
}

async function receive(
  channel: number,
  sys: Sys,
  signal: AbortSignal | undefined,
): Promise<ReturnType<Sys['recvmsg']>> {
  const { layout, constants } = sys.platform;
  const flags = constants.MSG_DONTWAIT | (constants.MSG_CMSG_CLOEXEC ?? 0);
  for (;;) {
    signal?.throwIfAborted();
    try {
      return sys.recvmsg(channel, Buffer.alloc(1), controlSpace(layout, MAX_FDS * 4), flags);
    } catch (error) {
      const name = errnoName(error);
      if (name !== 'EAGAIN')
        throw new FdpassError('internal', `cannot receive a descriptor: ${reasonOf(error)} (${name})`, {
          cause: error,
        });
      await sys.wait(channel, 'readable', signal);
    }
  }
}

function closeAll(fds: readonly number[], sys: Sys): void {
  for (const fd of fds) sys.close(fd);
}
