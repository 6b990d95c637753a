import type { Socket } from 'node:net';
import { type AbortState, abortStateOf, onAbort } from '../ground/abortable.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { ipFamily, lacksZone } from '../ground/ip.js';
import { isPending, promiseOf } from '../ground/promise-of.js';
import { errnoName, fromSystemError } from '../ground/system-error.js';
import { findSys } from '../sys/koffi.js';
import { encodeSockaddr, familyNumber, type SocketAddress } from '../sys/sockaddr.js';
import type { Sys } from '../sys/sys.js';
import type { Connection } from './connection.js';
import { type ConnectionServices, DescriptorConnection } from './descriptor.js';
import { nodeSocket } from './descriptor-stream.js';
import { applySocketOptions, optionError, type SocketOptions } from './socket-options.js';
import { StreamConnection } from './stream.js';

export { formatAddress, type SocketAddress } from '../sys/sockaddr.js';

const SOCK_STREAM = 1;
const IPPROTO_MPTCP = 262;

/** What {@link openConnection} is given besides the address and the options. */
export interface OpenContext extends ConnectionServices {
  /** Its reason is rethrown unchanged, and the socket is closed. */
  readonly signal: AbortSignal;
  /** Default: the real system calls; Node's own sockets where there are none. */
  readonly sys?: Sys | undefined;
}

/**
 * Makes one attempt: one socket, one connect(). Resolves to the connection, which belongs to the caller.
 *
 * @throws FdpassError with the bare reason (`connection refused`), or one that names the option the system refused.
 */
export function openConnection(
  address: SocketAddress,
  options: SocketOptions,
  context: OpenContext,
): Promise<Connection> {
  return promiseOf(() => openNow(address, options, context)).then((connection) => {
    const { aborted, reason } = abortStateOf(context);
    if (!aborted) return connection;
    connection.destroy(reason); // the signal can abort in between, even if the connection is there
    throw reason;
  });
}

/** At once if connect(2) is done at once; it then throws in place of rejecting. */
function openNow(
  address: SocketAddress,
  options: SocketOptions,
  context: OpenContext,
): Connection | Promise<Connection> {
  const state = abortStateOf(context);
  state.throwIfAborted();
  const failed = (error: unknown): never => {
    throw state.aborted ? state.reason : connectError(error, address, options);
  };
  try {
    const sys = context.sys ?? findSys();
    const opening: Connection | Promise<Connection> =
      sys === undefined ? openByNode(address, options, context) : open(address, options, context, sys);
    return isPending(opening) ? opening.catch(failed) : opening;
  } catch (error) {
    return failed(error);
  }
}

function connectError(error: unknown, address: SocketAddress, { bindInterface }: SocketOptions): FdpassError {
  if (isFdpassError(error)) return error;
  if ('family' in address && error instanceof Error)
    Object.assign(error, { address: address.host, port: address.port });
  const name = errnoName(error) ?? '';
  if ('host' in address && lacksZone(address.host) && bindInterface === undefined && NO_ZONE.has(name))
    return zoneMissing(address.host, error);
  // connect(2) of a unix socket does not wait for room in the queue unless it blocks. Others are silent about a full one.
  const isQueueFull = 'path' in address && name === 'EAGAIN';
  if (!isQueueFull) return fromSystemError(error);
  return new FdpassError('unreachable', 'its queue of waiting connections is full', {
    hint: 'check that the program that listens there still accepts connections',
    cause: error,
  });
}

/** What connect(2), or Node 26 in its place, says of a link-local address without an interface. */
const NO_ZONE = new Set(['EINVAL', 'EADDRNOTAVAIL', 'EHOSTUNREACH', 'ENETUNREACH']);

function zoneMissing(host: string, cause: unknown): FdpassError {
  const { networkInterfaces } = process.getBuiltinModule('node:os');
  const linked = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => lacksZone(address)),
  );
  return new FdpassError('unreachable', `${host} is a link-local address, and its interface is missing`, {
    hint: `write ${host}%${linked?.[0] ?? 'INTERFACE'}, with the interface that leads to it`,
    cause,
  });
}

/** At once if connect(2) is done at once, as it is on this machine. */
function open(
  address: SocketAddress,
  options: SocketOptions,
  context: OpenContext,
  sys: Sys,
): DescriptorConnection | Promise<DescriptorConnection> {
  const sockaddr = encodeSockaddr(address, sys.platform, sys.interfaceIndex);
  const fd = makeSocket(address, options, sys);
  const { trace, clock, serves } = context;
  const connection = new DescriptorConnection(fd, sys, { trace, clock, serves, isNewTcp: 'family' in address });
  try {
    return sys.connect(fd, sockaddr) ? connection : connected(connection, fd, sys, abortStateOf(context));
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** A non-blocking socket with its options set, which must be before connect(). */
function makeSocket(address: SocketAddress, options: SocketOptions, sys: Sys): number {
  const isInternet = 'family' in address;
  const fd = newSocket(familyNumber(address, sys.platform), isInternet && options.multipath === true, sys);
  try {
    if (isInternet) {
      applySocketOptions(fd, address.family, options, sys);
      bind(fd, address.family, options, sys);
    }
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

function newSocket(domain: number, isMultipath: boolean, sys: Sys): number {
  try {
    return sys.socket(domain, SOCK_STREAM, isMultipath ? IPPROTO_MPTCP : 0);
  } catch (error) {
    if (isMultipath) throw optionError('multipath', error);
    const isVsock = domain === sys.platform.constants.AF_VSOCK;
    throw fromSystemError(error, isVsock ? 'this kernel does not support vsock' : 'cannot make a socket');
  }
}

function bind(fd: number, family: 4 | 6, { bindAddress, bindPort }: SocketOptions, sys: Sys): void {
  if (bindAddress === undefined && bindPort === undefined) return;
  const host = bindAddress ?? (family === 6 ? '::' : '0.0.0.0');
  if (ipFamily(host.split('%', 1)[0] ?? '') !== family) {
    throw new FdpassError('unreachable', `the source address ${host} belongs to the other address family`);
  }
  try {
    sys.bind(fd, encodeSockaddr({ family, host, port: bindPort ?? 0 }, sys.platform, sys.interfaceIndex));
  } catch (error) {
    throw isFdpassError(error) ? error : optionError(bindAddress === undefined ? 'bindPort' : 'bindAddress', error);
  }
}

/** Waits for the end of connect(2). */
async function connected(
  connection: DescriptorConnection,
  fd: number,
  sys: Sys,
  state: AbortState,
): Promise<DescriptorConnection> {
  const release = onAbort(state, (reason) => connection.destroy(reason));
  try {
    await connection.until('writable');
    state.throwIfAborted(); // then it is closed, and its number can be another socket's by now
    const { SOL_SOCKET, SO_ERROR } = sys.platform.constants;
    const errno = sys.getsockoptInt(fd, SOL_SOCKET, SO_ERROR);
    if (errno === 0) return connection;
    throw sys.errorOf('connect', errno);
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    release();
  }
}

/** Where koffi is missing: Node's own sockets connect, and only options that Node has can be set. */
async function openByNode(
  address: SocketAddress,
  { keepAlive, noDelay, ...others }: SocketOptions,
  context: OpenContext,
): Promise<StreamConnection> {
  const unsupported = Object.entries(others).find(([, value]) => value !== undefined && value !== false)?.[0];
  if (unsupported !== undefined || typeof keepAlive === 'object' || 'cid' in address) {
    throw new FdpassError('config', `option "${unsupported ?? 'keepAlive'}" needs koffi, which is not installed here`);
  }
  const socket = new (nodeSocket())({ allowHalfOpen: true });
  if (keepAlive !== undefined) socket.setKeepAlive(keepAlive);
  if (noDelay !== undefined) socket.setNoDelay(noDelay);
  socket.pause(); // a socket that connects while flowing reads at once
  try {
    await connectByNode(socket, address, context.signal);
    return new StreamConnection(socket, context);
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  }
}

function connectByNode(
  socket: Socket,
  address: Exclude<SocketAddress, { cid: number }>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, reject);
    const settle = (error?: unknown): void => {
      release();
      socket.off('error', settle).off('connect', connected);
      if (error === undefined) resolve();
      else reject(error);
    };
    const connected = (): void => settle();
    socket.once('error', settle).once('connect', connected);
    socket.connect(
      'path' in address
        ? { path: address.path.replace(/^@/, '\0') }
        : { host: withZoneName(address.host), port: address.port },
    );
  });
}

/** Node takes the interface of an IPv6 address by its name only, and leaves out one that it does not find. */
function withZoneName(host: string): string {
  const [address = '', zone] = host.split('%');
  if (zone === undefined) return host;
  const { networkInterfaces } = process.getBuiltinModule('node:os');
  const found = Object.entries(networkInterfaces()).find(
    ([name, addresses = []]) =>
      name === zone || addresses.some((own) => own.family === 'IPv6' && own.scopeid === Number(zone)),
  );
  if (found !== undefined) return `${address}%${found[0]}`;
  throw new FdpassError('config', `there is no interface ${JSON.stringify(zone)}`);
}
