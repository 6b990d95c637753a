import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { FdpassError, fromSystemError } from '@fdpass/core';
import { makePrivateFolder } from '@fdpass/core/host';
import {
  type DescriptorConnection,
  isUnixSocket,
  listenAtPath,
  loadSys,
  type Sys,
  UnixListener,
} from '@fdpass/core/sockets';

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const SD_LISTEN_FDS_START = 3;

/** Whether a socket listens: Linux's number, as systemd is Linux's. */
const SO_ACCEPTCONN = 30;

/** Room for a burst of clients; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A socket that is listened on. */
export interface Listening {
  /** Whether clients still reach us: nobody has removed the socket or replaced it. */
  isReachable(): boolean;
  /** Stops listening, and removes the socket unless a newer agent has put its own there. */
  close(): void;
}

/**
 * Listens at `path`. An existing socket is replaced in one step (rename(2)), so clients always find one; the agent that listened
 * on the old one gets no more clients.
 *
 * @throws FdpassError `config` if the folder is not the user's own, a system error's otherwise.
 */
export function listenAt(path: string, onClient: (client: DescriptorConnection) => void): Listening {
  const folder = dirname(path);
  if (!makePrivateFolder(folder))
    throw new FdpassError(
      'config',
      `the agent cannot listen in ${folder}: others can write there, or it cannot be created`,
      {
        hint: 'name another place for its socket with FDPASS_AGENT',
      },
    );
  const fresh = `${path}.${process.pid}`;
  const sys = loadSys();
  let listener: UnixListener | undefined;
  try {
    chmodSync(folder, PRIVATE_FOLDER);
    rmSync(fresh, { force: true }); // of a process with our number, long ago
    const started = new UnixListener(listenAtPath(fresh, BACKLOG, sys), sys, onClient);
    listener = started;
    chmodSync(fresh, PRIVATE_FILE);
    const { ino } = lstatSync(fresh);
    renameSync(fresh, path);
    const isReachable = (): boolean => lstatSync(path, { throwIfNoEntry: false })?.ino === ino;
    return {
      isReachable,
      close() {
        started.close();
        if (isReachable()) rmSync(path, { force: true });
      },
    };
  } catch (error) {
    listener?.close();
    rmSync(fresh, { force: true });
    throw fromSystemError(error, `the agent cannot listen at ${path}`);
  }
}

/** Whether systemd has started us with a socket that it listens on (sd_listen_fds(3)). */
export function isSocketActivated({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv): boolean {
  return LISTEN_PID === String(process.pid) && LISTEN_FDS === '1';
}

/** Listens on systemd's socket, which stays when we end. @throws FdpassError `config` if the descriptor is something else */
export function listenOnActivated(onClient: (client: DescriptorConnection) => void): Listening {
  const sys = loadSys();
  if (!isListening(SD_LISTEN_FDS_START, sys))
    throw new FdpassError('config', 'LISTEN_FDS is set, but descriptor 3 is not a unix socket that listens', {
      hint: 'start the agent through fdpass-agent.socket, or unset LISTEN_FDS',
    });
  sys.setNonBlocking(SD_LISTEN_FDS_START, true);
  sys.setCloseOnExec(SD_LISTEN_FDS_START);
  const listener = new UnixListener(SD_LISTEN_FDS_START, sys, onClient);
  return { isReachable: () => true, close: () => listener.close() };
}

function isListening(fd: number, sys: Sys): boolean {
  return isUnixSocket(fd, sys) && sys.getsockoptInt(fd, sys.platform.constants.SOL_SOCKET, SO_ACCEPTCONN) === 1;
}
