import { Socket } from 'node:net';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { ipFamily } from '../ground/ip-family.js';
import { fromSystemError } from '../ground/system-error.js';
import type { SocketOptions } from '../options/socket.js';
import { loadSys } from '../sys/koffi.js';
import { encodeSockaddr } from '../sys/sockaddr.js';
import type { Sys } from '../sys/sys.js';
import type { SocketAddress } from './address.js';
import { adoptFd } from './detach.js';
import { applySocketOptions, optionError } from './socket-options.js';

const SOCK_STREAM = 1;
const AF_INET = 2;
const IPPROTO_MPTCP = 262;

/** What {@link openSocket} is given besides the address and the options. */
export interface OpenContext {
  /** Its reason is rethrown unchanged; the socket is closed. */
  readonly signal: AbortSignal;
}

/**
 * Makes one attempt: one socket, one connect(). Resolves to the connected socket, paused, with nothing read ahead and
 * half-open allowed; it belongs to the caller.
 *
 * @throws FdpassError with the bare reason (`connection refused`), or one that names the option the system refused.
 */
export async function openSocket(
  address: SocketAddress,
  options: SocketOptions,
  { signal }: OpenContext,
): Promise<Socket> {
  signal.throwIfAborted();
  const socket =
    'path' in address || !needsOwnSocket(options) ? plainSocket(options) : ownSocket(address, options, await loadSys());
  socket.pause(); // a socket that connects while flowing reads at once, and what it read could not be handed over
  try {
    await connect(socket, address, signal);
    return socket;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error === signal.reason || isFdpassError(error) ? error : fromSystemError(error);
  }
}

/** Plain keep-alive and no-delay are in Node's own API, so that a common dial needs no system call of ours. */
function needsOwnSocket({ keepAlive, noDelay, ...others }: SocketOptions): boolean {
  return typeof keepAlive === 'object' || Object.values(others).some((value) => value !== undefined && value !== false);
}

function plainSocket({ keepAlive, noDelay }: SocketOptions): Socket {
  const socket = new Socket({ allowHalfOpen: true });
  if (keepAlive !== undefined) socket.setKeepAlive(keepAlive !== false);
  if (noDelay !== undefined) socket.setNoDelay(noDelay);
  return socket;
}

/** A socket of our own making: what must be set before connect() can be, and Node still does the waiting. */
function ownSocket(address: Exclude<SocketAddress, { path: string }>, options: SocketOptions, sys: Sys): Socket {
  const domain = address.family === 6 ? sys.platform.constants.AF_INET6 : AF_INET;
  const fd = makeSocket(domain, options, sys);
  try {
    applySocketOptions(fd, address.family, options, sys);
    bind(fd, address.family, options, sys);
  } catch (error) {
    sys.close(fd);
    throw error;
  }
  return adoptFd(fd, sys);
}

function makeSocket(domain: number, { multipath }: SocketOptions, sys: Sys): number {
  try {
    return sys.socket(domain, SOCK_STREAM, multipath === true ? IPPROTO_MPTCP : 0);
  } catch (error) {
    throw multipath === true ? optionError('multipath', error) : fromSystemError(error, 'cannot make a socket');
  }
}

function bind(fd: number, family: 4 | 6, { bindAddress, bindPort }: SocketOptions, sys: Sys): void {
  if (bindAddress === undefined && bindPort === undefined) return;
  const host = bindAddress ?? (family === 6 ? '::' : '0.0.0.0');
  if (ipFamily(host.split('%', 1)[0] ?? '') !== family) {
    throw new FdpassError('unreachable', `the source address ${host} is of the other family`);
  }
  try {
    sys.bind(fd, encodeSockaddr({ family, host, port: bindPort ?? 0 }, sys.platform));
  } catch (error) {
    throw optionError(bindAddress === undefined ? 'bindPort' : 'bindAddress', error);
  }
}

function connect(socket: Socket, address: SocketAddress, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', settle).off('connect', connected);
      if (error === undefined) resolve();
      else reject(error);
    };
    const abort = (): void => settle(signal.reason);
    const connected = (): void => settle();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', settle).once('connect', connected);
    if (signal.aborted) return abort();
    socket.connect(
      'path' in address ? { path: address.path.replace(/^@/, '\0') } : { host: address.host, port: address.port },
    );
  });
}
