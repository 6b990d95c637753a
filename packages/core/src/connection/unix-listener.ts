import { closeSync, openSync } from 'node:fs';
import { errnoName, isOutOfDescriptors } from '../ground/system-error.js';
import { clearTimeout, setTimeout } from '../ground/timers.js';
import { AF_UNIX, encodeSockaddr } from '../sys/sockaddr.js';
import type { Poller, Sys } from '../sys/sys.js';
import { DescriptorConnection } from './descriptor.js';

const SOCK_STREAM = 1;

/** After any other failure, such as a lack of memory. */
const RETRY_MS = 100;

/**
 * A socket that listens at `path`, non-blocking and close-on-exec. It belongs to the caller.
 *
 * @throws a system error, FdpassError `config` for a path that is too long.
 */
export function listenAtPath(path: string, backlog: number, sys: Sys): number {
  const fd = sys.socket(AF_UNIX, SOCK_STREAM, 0);
  try {
    sys.bind(fd, encodeSockaddr({ path }, sys.platform));
    sys.listen(fd, backlog);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/**
 * Accepts clients of a unix socket with system calls. A stream of Node's for each takes longer to make than many a request takes
 * to serve, and reads bytes without the descriptors that come with them. The process stays alive for it.
 */
export class UnixListener {
  readonly #fd: number;
  readonly #sys: Sys;
  readonly #poller: Poller;
  readonly #onClient: (connection: DescriptorConnection) => void;
  /**
   * Kept in reserve. When no descriptor is left, this one makes room to accept a client and close the connection. Otherwise the
   * client would wait for an answer, and the poller would report it again and again.
   */
  #spare: number | undefined = openSpare();
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  /**
   * @param fd A socket that listens, non-blocking. It belongs to the listener.
   * @param onClient Owns the connection.
   */
  constructor(fd: number, sys: Sys, onClient: (connection: DescriptorConnection) => void) {
    this.#fd = fd;
    this.#sys = sys;
    this.#poller = sys.poll(fd);
    this.#onClient = onClient;
    this.#wait();
  }

  /** Stops listening. Clients that have been accepted stay. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#poller.close();
    this.#sys.close(this.#fd);
    if (this.#spare !== undefined) closeSync(this.#spare);
  }

  #wait(): void {
    this.#poller.wait('readable', { ready: () => this.#acceptNext(), failed: () => this.#retryLater() });
  }

  /** Accepts one client. If another one waits, the poller says so: asking accept(2) until it fails would hold up the first. */
  #acceptNext(): void {
    try {
      const fd = this.#accept();
      if (fd !== undefined) this.#onClient(new DescriptorConnection(fd, this.#sys, { serves: true }));
    } catch (error) {
      if (errnoName(error) !== 'EAGAIN') {
        this.#retryLater();
        return;
      }
    }
    this.#wait(); // for nothing once it is closed
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#spare ??= openSpare();
      this.#wait();
    }, RETRY_MS);
  }

  /** Undefined for a client that has gone, or was turned away. */
  #accept(): number | undefined {
    try {
      return this.#sys.accept(this.#fd);
    } catch (error) {
      if (errnoName(error) === 'ECONNABORTED') return undefined;
      if (!isOutOfDescriptors(error) || this.#spare === undefined) throw error;
      this.#turnAway(this.#spare);
      return undefined;
    }
  }

  #turnAway(spare: number): void {
    closeSync(spare);
    try {
      this.#sys.close(this.#sys.accept(this.#fd));
    } finally {
      this.#spare = openSpare(); // somebody else can have taken it
    }
  }
}

function openSpare(): number | undefined {
  try {
    return openSync('/dev/null', 'r');
  } catch {
    return undefined;
  }
}
