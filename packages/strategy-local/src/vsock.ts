import {
  type DialContext,
  errnoName,
  FdpassError,
  FdStream,
  fromSystemError,
  isFdpassError,
  loadSys,
  type Sys,
} from '@fdpass/core';

const SOCK_STREAM = 1;
const SOCKADDR_VM_LENGTH = 16;

/**
 * Connects to a port of a virtual machine (vsock(7)). Node knows no vsock, so the socket is made and waited for by system
 * calls. The stream's descriptor can be handed over; it belongs to the caller.
 */
export async function dialVsock(cid: number, port: number, { signal }: Pick<DialContext, 'signal'>): Promise<FdStream> {
  const sys = await loadSys();
  signal.throwIfAborted();
  const family = sys.platform.constants.AF_VSOCK;
  if (family === undefined || process.platform !== 'linux')
    throw new FdpassError('config', `there is no vsock on ${process.platform}`);
  const fd = makeSocket(family, sys);
  try {
    sys.setNonBlocking(fd, true);
    await connect(fd, encodeAddress(family, cid, port, sys), sys, signal);
    return new FdStream(fd, sys);
  } catch (error) {
    sys.close(fd);
    throw signal.aborted ? signal.reason : asConnectError(error, cid, port);
  }
}

function makeSocket(family: number, sys: Sys): number {
  try {
    return sys.socket(family, SOCK_STREAM, 0);
  } catch (error) {
    throw fromSystemError(error, 'this kernel has no vsock');
  }
}

async function connect(fd: number, address: Buffer, sys: Sys, signal: AbortSignal): Promise<void> {
  try {
    sys.connect(fd, address);
  } catch (error) {
    if (errnoName(error) !== 'EINPROGRESS') throw error;
    await sys.wait(fd, 'writable', signal);
    const { SOL_SOCKET, SO_ERROR } = sys.platform.constants;
    const errno = sys.getsockoptInt(fd, SOL_SOCKET, SO_ERROR);
    if (errno !== 0) throw sys.errorOf('connect', errno);
  }
}

/** struct sockaddr_vm (linux/vm_sockets.h): family, reserved, port, cid, flags. */
export function encodeAddress(family: number, cid: number, port: number, { platform }: Pick<Sys, 'platform'>): Buffer {
  const bytes = Buffer.alloc(SOCKADDR_VM_LENGTH);
  if (platform.layout.littleEndian) {
    bytes.writeUInt16LE(family, 0);
    bytes.writeUInt32LE(port, 4);
    bytes.writeUInt32LE(cid, 8);
  } else {
    bytes.writeUInt16BE(family, 0);
    bytes.writeUInt32BE(port, 4);
    bytes.writeUInt32BE(cid, 8);
  }
  return bytes;
}

function asConnectError(error: unknown, cid: number, port: number): unknown {
  if (isFdpassError(error)) return error;
  return fromSystemError(error, `cannot connect to vsock ${cid}, port ${port}`);
}
