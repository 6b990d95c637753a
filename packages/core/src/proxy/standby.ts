import type { Connection } from '../connection/connection.js';
import { type Clock, startDeadline } from '../ground/clock.js';
import { setImmediate } from '../ground/timers.js';
import { hasBytes } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';

/** A connection that was made in advance, and the result of its greeting. */
export interface Prepared<T> {
  /** It has not been used. */
  readonly connection: Connection;
  /** What the greeting gave, e.g. the method that a proxy has chosen. */
  readonly greeting: T;
}

/** Connections that are to be made in advance. */
export interface StandbyRequest<T> {
  /** Everything that such a connection depends on. Those of one key can stand for each other. */
  readonly key: string;
  /** How many are to be ready. */
  readonly count: number;
  /** Makes one; rejects with the signal's reason on abort, and leaves nothing open if it rejects. */
  readonly open: (signal: AbortSignal) => Promise<Prepared<T>>;
}

/**
 * Makes connections in advance, for dials to come. Only a process that stays can do that, such as the agent; in others there
 * never is one.
 */
export interface Standby {
  /** A connection that is ready, which then belongs to the caller; undefined if there is none. Others are made in the background. */
  take<T>(request: StandbyRequest<T>): Prepared<T> | undefined;
}

/** Of a process that makes one dial. */
export const noStandby: Standby = { take: () => undefined };

/** After this time without use, a proxy no longer gets connections in advance. */
const KEEP_MS = 5 * 60_000;
/** A connection that waits longer is replaced: many proxies close one that says nothing for a minute or two. */
const MAX_AGE_MS = 50_000;
/** After a connection could not be made, or has been closed by the proxy. */
const RETRY_MS = 10_000;
const OPEN_LIMIT_MS = 30_000;

/** Keeps connections ready, each for one dial. */
export class KeptConnections implements Standby {
  readonly #clock: Clock;
  readonly #pools = new Map<string, Pool>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take<T>(request: StandbyRequest<T>): Prepared<T> | undefined {
    let pool = this.#pools.get(request.key);
    if (pool === undefined) {
      pool = new Pool(this.#clock, () => this.#pools.delete(request.key));
      this.#pools.set(request.key, pool);
    }
    return pool.take(request) as Prepared<T> | undefined; // all of one key have the same greeting
  }

  /** Closes all of them. Those that are wanted later are made again. */
  clear(): void {
    for (const pool of [...this.#pools.values()]) pool.close();
  }
}

interface Entry extends Prepared<unknown> {
  /** Stops watching it. */
  release(): void;
}

/** The connections of one key. */
class Pool {
  readonly #clock: Clock;
  readonly #onClose: () => void;
  /** The oldest first. */
  readonly #ready = new Set<Entry>();
  readonly #over = new AbortController();
  #opening = 0;
  #request: StandbyRequest<unknown> | undefined;
  #cancelEnd = (): void => {};
  #cancelRetry = (): void => {};

  constructor(clock: Clock, onClose: () => void) {
    this.#clock = clock;
    this.#onClose = onClose;
  }

  take(request: StandbyRequest<unknown>): Prepared<unknown> | undefined {
    this.#request = request;
    this.#cancelEnd();
    this.#cancelEnd = this.#clock.after(KEEP_MS, () => this.close());
    setImmediate(() => this.#fill()); // the dial that takes this one asks its proxy first, and waits then
    return this.#takeUsable();
  }

  close(): void {
    this.#over.abort(new Error('no longer wanted'));
    this.#cancelEnd();
    this.#cancelRetry();
    for (const entry of this.#ready) this.#drop(entry);
    this.#onClose();
  }

  #takeUsable(): Prepared<unknown> | undefined {
    for (const entry of this.#ready) {
      this.#ready.delete(entry);
      entry.release();
      if (isUsable(entry.connection)) return entry;
      entry.connection.destroy();
    }
    return undefined;
  }

  #fill(): void {
    if (this.#over.signal.aborted) return;
    const missing = (this.#request?.count ?? 0) - this.#ready.size - this.#opening;
    for (let made = 0; made < missing; made++) void this.#make();
  }

  async #make(): Promise<void> {
    this.#opening += 1;
    const deadline = startDeadline(OPEN_LIMIT_MS, this.#over.signal, this.#clock);
    try {
      this.#keep((await this.#request?.open(deadline.signal)) as Prepared<unknown>);
    } catch {
      this.#retryLater(); // the dial that finds none makes its own, and has the error
    } finally {
      deadline.release();
      this.#opening -= 1;
    }
  }

  #keep(prepared: Prepared<unknown>): void {
    if (this.#over.signal.aborted) {
      prepared.connection.destroy();
      return;
    }
    const cancelAge = this.#clock.after(MAX_AGE_MS, () => {
      this.#drop(entry);
      this.#fill();
    });
    const stopWatching = watch(prepared.connection, () => {
      this.#drop(entry);
      this.#retryLater();
    });
    const release = (): void => {
      cancelAge();
      stopWatching();
    };
    const entry: Entry = { ...prepared, release };
    this.#ready.add(entry);
  }

  #drop(entry: Entry): void {
    this.#ready.delete(entry);
    entry.release();
    entry.connection.destroy();
  }

  #retryLater(): void {
    this.#cancelRetry();
    if (!this.#over.signal.aborted) this.#cancelRetry = this.#clock.after(RETRY_MS, () => this.#fill());
  }
}

/** Calls `listener` when a connection ends while it waits. */
function watch(connection: Connection, listener: () => void): () => void {
  const { onBroken } = connection as { onBroken?(listener: () => void): () => void };
  return onBroken?.call(connection, listener) ?? (() => {});
}

/** A proxy that sends something unasked is about to close the connection, or says what no handshake expects. */
function isUsable({ descriptor }: Connection): boolean {
  if (descriptor === undefined) return true; // watched, and read by its own protocol
  const sys = loadSys();
  return !sys.isAtEnd(descriptor) && !hasBytes(descriptor, sys);
}
