import type { AbortState } from '../ground/abortable.js';
import { FdpassError } from '../ground/errors.js';
import { errnoName, fromSystemError, reasonOf } from '../ground/system-error.js';
import { loadSys } from './koffi.js';
import { controlSpace, encodeRights } from './message.js';
import { AF_UNIX, decodeAddress, type FamilyName, type FdAddress, familyName, familyOf } from './sockaddr.js';
import type { Sys } from './sys.js';

/** What a descriptor is. */
export interface FdDescription {
  /** The address family: `inet` is AF_INET and so on. */
  readonly family: FamilyName;
  /** The socket's type. */
  readonly type: 'stream' | 'dgram' | 'seqpacket' | 'other';
  /** Its own address (getsockname(2)). */
  readonly local?: FdAddress;
  /** Missing if the socket is not connected. */
  readonly peer?: FdAddress;
}

const TYPES: Readonly<Record<number, FdDescription['type']>> = { 1: 'stream', 2: 'dgram', 5: 'seqpacket' };

/** What `fd` is: family, type, both addresses. @throws a system error, ENOTSOCK for what is not a socket. */
export function describeFd(fd: number, sys: Sys): FdDescription {
  const { SOL_SOCKET, SO_TYPE } = sys.platform.constants;
  const type = TYPES[sys.getsockoptInt(fd, SOL_SOCKET, SO_TYPE)] ?? 'other';
  const localBytes = sys.getsockname(fd);
  const local = decodeAddress(localBytes, sys.platform);
  const peer = peerOf(fd, sys);
  return {
    family: familyName(familyOf(localBytes, sys.platform), sys.platform),
    type,
    ...(local && { local }),
    ...(peer && { peer }),
  };
}

/** Whether `fd` is a unix-domain socket: one that descriptors can be passed over. */
export function isUnixSocket(fd: number, sys: Sys): boolean {
  try {
    return familyOf(sys.getsockname(fd), sys.platform) === AF_UNIX;
  } catch {
    return false;
  }
}

const MSG_PEEK = 2;
const firstByte = Buffer.alloc(1);

/** Whether a socket has bytes to read. Takes nothing. */
export function hasBytes(fd: number, sys: Sys): boolean {
  try {
    return sys.recv(fd, firstByte, MSG_PEEK | sys.platform.constants.MSG_DONTWAIT) > 0;
  } catch {
    return false; // nothing yet, or not a socket
  }
}

/**
 * Remembers which of `fds` block, and returns how to restore that. The mode (O_NONBLOCK) belongs to the open file
 * description, which a shell or ssh can share with us, and Node changes it for its streams.
 */
export function rememberModes(fds: readonly number[], sys: Sys): () => void {
  const modes = fds.map((fd) => [fd, modeOf(fd, sys)] as const);
  return () => {
    for (const [fd, wasNonBlocking] of modes) {
      if (wasNonBlocking !== undefined && modeOf(fd, sys) !== undefined) sys.setNonBlocking(fd, wasNonBlocking);
    }
  };
}

/** Undefined for a descriptor that is closed. */
function modeOf(fd: number, sys: Sys): boolean | undefined {
  try {
    return sys.isNonBlocking(fd);
  } catch {
    return undefined;
  }
}

function peerOf(fd: number, sys: Sys): FdAddress | undefined {
  try {
    return decodeAddress(sys.getpeername(fd), sys.platform);
  } catch {
    return undefined; // not connected, or no longer
  }
}

/** How a descriptor is sent or received. */
export interface FdTransferOptions {
  /** Default: the real system calls. */
  readonly sys?: Sys | undefined;
  /** Its reason is rethrown unchanged. */
  readonly signal?: AbortState | undefined;
}

/**
 * Passes `fd` over the unix socket `channel` with SCM_RIGHTS and one zero byte, which is what OpenSSH's
 * `mm_receive_fd` waits for (monitor_fdpass.c). The receiver gets a descriptor of its own; the caller still owns `fd`.
 *
 * A full channel is waited for. @throws FdpassError `unreachable` if the receiver has closed, `internal` for anything else.
 */
export async function sendFd(
  channel: number,
  fd: number,
  { sys: given, signal }: FdTransferOptions = {},
): Promise<void> {
  const sys = given ?? loadSys();
  const { layout, constants } = sys.platform;
  const control = encodeRights(layout, constants.SOL_SOCKET, constants.SCM_RIGHTS, [fd]);
  const flags = constants.MSG_DONTWAIT | (constants.MSG_NOSIGNAL ?? 0); // ssh ignores SIGPIPE for us, others may not
  for (;;) {
    signal?.throwIfAborted();
    try {
      if (sys.sendmsg(channel, Buffer.alloc(1), control, flags) === 1) return;
    } catch (error) {
      if (errnoName(error) !== 'EAGAIN') throw sendError(error);
    }
    try {
      await sys.wait(channel, 'writable', signal);
    } catch (error) {
      throw signal?.aborted === true ? error : sendError(error);
    }
  }
}

function sendError(error: unknown): FdpassError {
  const name = errnoName(error) ?? '';
  const isGone = name === 'EPIPE' || name === 'ECONNRESET' || name === 'ENOTCONN';
  const why = isGone ? 'the receiver has closed' : reasonOf(error);
  return new FdpassError(isGone ? 'unreachable' : 'internal', `cannot pass the descriptor: ${why} (${name})`, {
    cause: error,
  });
}

const CANNOT_RECEIVE = 'cannot receive a descriptor';

/** Room for the byte that each descriptor comes with. Nobody looks at its value. */
const anyByte = Buffer.alloc(1);

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
  const sys = given ?? loadSys();
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
      hint: 'check that it passes one over its stdout, as ssh expects with ProxyUseFdpass',
    },
  );
}

async function receive(channel: number, sys: Sys, signal: AbortState | undefined): Promise<ReturnType<Sys['recvmsg']>> {
  const { layout, constants } = sys.platform;
  const flags = constants.MSG_DONTWAIT | (constants.MSG_CMSG_CLOEXEC ?? 0);
  for (;;) {
    signal?.throwIfAborted();
    try {
      return sys.recvmsg(channel, anyByte, controlSpace(layout, MAX_FDS * 4), flags);
    } catch (error) {
      if (errnoName(error) !== 'EAGAIN') throw fromSystemError(error, CANNOT_RECEIVE);
    }
    try {
      await sys.wait(channel, 'readable', signal);
    } catch (error) {
      throw signal?.aborted === true ? error : fromSystemError(error, CANNOT_RECEIVE);
    }
  }
}

function closeAll(fds: readonly number[], sys: Sys): void {
  for (const fd of fds) sys.close(fd);
}
