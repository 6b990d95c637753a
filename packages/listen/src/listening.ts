import { chmodSync, lstatSync, rmSync, unlinkSync } from 'node:fs';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import { errnoName, FdpassError, fromSystemError } from '@fdpass/core';
import { beforeDeath } from '@fdpass/core/host';
import { openConnection } from '@fdpass/core/sockets';
import { formatListenAddress, type ListenAddress } from './address.js';

/** A socket that is listened on. */
export interface Listening {
  /** Where; with the port that it has got. */
  readonly address: ListenAddress;
  /** Stops listening, and removes a unix socket. */
  close(): void;
}

/** Room for a burst of clients; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;
/** A client that has gone without a word is noticed after a minute or two. */
const KEEP_ALIVE_MS = 60_000;
const ONLY_USER = 0o600;
const NOT_OTHERS = 0o177;

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'end what listens there, or choose another address',
  EPERM: 'choose another address', // such as a socket of another user, which only that user can remove
};

/** Listens at an address. @throws FdpassError that says why it cannot. */
export async function listenAt(address: ListenAddress, onClient: (socket: Socket) => void): Promise<Listening> {
  try {
    return await ('path' in address ? listenAtPath(address.path, onClient) : listenAtPort(address, onClient));
  } catch (error) {
    const hint = HINTS[errnoName(error) ?? ''];
    const { code, message } = fromSystemError(error, `cannot listen at ${formatListenAddress(address)}`);
    throw new FdpassError(code, message, { hint, cause: error });
  }
}

async function listenAtPort(
  { host, port }: Extract<ListenAddress, { port: number }>,
  onClient: (socket: Socket) => void,
): Promise<Listening> {
  const server = await listen({ host, port, exclusive: true }, onClient);
  return { address: { host, port: (server.address() as AddressInfo).port }, close: () => void server.close() };
}

/** Only the user can connect. A socket that nobody listens on any more is replaced. */
async function listenAtPath(path: string, onClient: (socket: Socket) => void): Promise<Listening> {
  if (await isLeftOver(path)) removeLeftOver(path);
  const server = await privately(() => listen({ path }, onClient));
  chmodSync(path, ONLY_USER); // where the mask could not be set
  const forget = beforeDeath(() => rmSync(path, { force: true }));
  return {
    address: { path },
    close() {
      server.close(); // removes it too
      forget();
    },
  };
}

async function isLeftOver(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  try {
    const signal = AbortSignal.timeout(1000);
    (await openConnection({ path }, {}, { signal })).destroy();
    return false;
  } catch (error) {
    return errnoName((error as Error).cause) === 'ECONNREFUSED';
  }
}

/** Not by rmSync(), which takes what it is not allowed to remove for a folder, and fails with ENOTDIR. */
function removeLeftOver(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error; // somebody else was faster
  }
}

/** The socket never exists with a mode that lets others in. */
function privately<T>(make: () => T): T {
  let mask: number | undefined;
  try {
    mask = process.umask(NOT_OTHERS);
  } catch {
    // In a worker thread.
  }
  try {
    return make();
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
}

function listen(options: ListenOptions, onClient: (socket: Socket) => void): Promise<Server> {
  const { createServer } = process.getBuiltinModule('node:net');
  const server = createServer(
    { pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
    onClient,
  );
  return new Promise((resolve, reject) => {
    server.on('error', reject).listen({ backlog: BACKLOG, ...options }, () => resolve(server));
  });
}
