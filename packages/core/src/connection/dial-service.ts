import { mkdtempSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { beforeDeath } from '../ground/before-death.js';
import { FdpassError } from '../ground/errors.js';
import { temporaryFolders } from '../ground/files.js';
import { makeTarget } from '../ground/read-target.js';
import { fromSystemError } from '../ground/system-error.js';
import type { Target } from '../ground/target.js';
import { quote } from '../ground/text.js';
import { sendFd } from '../sys/descriptors.js';
import type { Sys } from '../sys/sys.js';
import type { Connection } from './connection.js';
import { adoptFd } from './descriptor-stream.js';
import { toConnection } from './stream.js';

/*
 * How a program that we run connects through other hops. ssh starts a ProxyCommand for that, closes every descriptor that
 * it has inherited before it does, and takes the descriptor that the command passes (ProxyUseFdpass). So we listen on a
 * unix socket in a folder of our own; the command (pass-on.ts) tells us which host and port ssh wants, after all of its
 * ssh_config, and passes on the descriptor that we send it.
 */

/** Serves one dial to a program that we run. */
export interface DialService {
  /** A shell command to which the program appends a host and a port; it passes a descriptor over its stdout. */
  readonly command: string;
  /** Resolves when the program has its connection. Rejects as the dial does. */
  readonly served: Promise<void>;
  /** Whether the connection is a stream of this process, which has to go on copying its bytes. */
  readonly isBridged: boolean;
  /** Ends the service, a connection that the program has not got yet included. Does nothing the second time. */
  close(): void;
}

/** What the program asks for is short; a longer line comes from somebody else. */
const MAX_REQUEST = 1024;
const NEWLINE = 0x0a;

/**
 * Listens in a folder that only we can enter.
 *
 * @param dial Dials what the program asks for; rejects with the signal's reason on abort.
 * @throws FdpassError `internal` if no folder for temporary files can be used.
 */
export async function serveDial(dial: (target: Target) => Promise<Connection>, sys: Sys): Promise<DialService> {
  const { folder, server } = await listenSomewhere();
  const forget = beforeDeath(() => removeFolder(folder));
  let channel: Connection | undefined;
  let isBridged = false;
  const close = (): void => {
    server.close();
    channel?.destroy();
    removeFolder(folder);
    forget();
  };
  const serve = async (client: Socket): Promise<void> => {
    server.close();
    channel = toConnection(client);
    const connection = await dial(await readRequest(channel));
    isBridged = connection.descriptor === undefined;
    await (isBridged ? passBridge(connection, channel, sys) : passConnection(connection, channel, sys));
  };
  const served = new Promise<void>((resolve, reject) => {
    server.once('connection', (client: Socket) => void serve(client).then(resolve, reject));
  });
  served.catch(() => {}); // the program may end first, and then nobody waits for this
  const command = [process.execPath, PASS_ON, join(folder, SOCKET)].map(quote).join(' ');
  return {
    command,
    served,
    get isBridged() {
      return isBridged;
    },
    close,
  };
}

/** pass-on, compiled or bundled as this file is. */
const PASS_ON = import.meta.filename.replace(/[^/]*\.(\w+)$/, 'pass-on.$1');
const SOCKET = 'dial';
/** What fits into sun_path everywhere (unix(7)); Node cuts a longer path off. */
const MAX_PATH = 100;

async function listenSomewhere(): Promise<{ readonly folder: string; readonly server: Server }> {
  let failure: unknown;
  for (const base of temporaryFolders()) {
    if (base.length + 'fdpass-XXXXXX//'.length + SOCKET.length > MAX_PATH) continue;
    try {
      const folder = mkdtempSync(join(base, 'fdpass-'));
      return { folder, server: await listen(join(folder, SOCKET)).catch((error) => failIn(folder, error)) };
    } catch (error) {
      failure = error;
    }
  }
  throw fromSystemError(failure, 'cannot make a socket for the program');
}

function failIn(folder: string, error: unknown): never {
  removeFolder(folder);
  throw error;
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function listen(path: string): Promise<Server> {
  const { createServer } = process.getBuiltinModule('node:net');
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(path, () => resolve(server));
  });
}

/** The host and port that the program wants. */
async function readRequest(channel: Connection): Promise<Target> {
  const isWhole = (soFar: Buffer): number => (soFar.at(-1) === NEWLINE ? 0 : 1);
  const line = await channel.readThrough(isWhole, MAX_REQUEST, 'what the program connects to');
  const [host, port] = JSON.parse(String(line)) as [string, string];
  return makeTarget({ host, port });
}

async function passConnection(connection: Connection, channel: Connection, sys: Sys): Promise<void> {
  try {
    const fd = connection.descriptor ?? -1;
    sys.setNonBlocking(fd, false);
    await sendFd(descriptorOf(channel), fd, { sys });
  } finally {
    connection.destroy(); // our copy
  }
}

/** Passes one end of a socketpair, and copies bytes between the other end and a stream of ours until one side ends. */
async function passBridge(connection: Connection, channel: Connection, sys: Sys): Promise<void> {
  const { pipeline } = process.getBuiltinModule('node:stream');
  const [ours, theirs] = sys.socketpair();
  const far = connection.toStream();
  const near = adoptFd(ours, sys);
  const close = (): void => {
    near.destroy();
    far.destroy();
  };
  near.once('close', close);
  far.once('close', close);
  pipeline(near, far, () => {});
  pipeline(far, near, () => {});
  try {
    await sendFd(descriptorOf(channel), theirs, { sys });
  } catch (error) {
    close();
    throw error;
  } finally {
    sys.close(theirs);
  }
}

function descriptorOf(channel: Connection): number {
  if (channel.descriptor !== undefined) return channel.descriptor;
  throw new FdpassError('internal', 'a unix socket without a descriptor');
}
