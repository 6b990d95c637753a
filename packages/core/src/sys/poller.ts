import type { Poller, Readiness } from './sys.js';

/** The part of koffi's poll handle that is used here (uv_poll_t). */
interface PollHandle {
  start(events: PollEvents, callback: PollCallback): void;
  stop(): void;
  close(): void;
}

type PollEvents = { readable?: boolean; writable?: boolean; disconnect?: boolean };
/** `status` is negative, and `ready` empty, when the descriptor reports an error; the handle is then stopped. */
export type PollCallback = (status: number, ready: PollEvents) => void;
export type StartPolling = (fd: number, events: PollEvents, callback: PollCallback) => PollHandle;

interface Waiter {
  readonly what: Readiness;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Node 26 runs no promise job after a callback that does not come from one of its own handles. */
const NEEDS_TURN = Number.parseInt(process.versions.node, 10) >= 25;

// Symbol.for: two copies of this package in one process poll the same descriptors.
const POLLED = Symbol.for('fdpass.polled.v1');

/** The descriptors that are polled now: libuv aborts the process when one is polled by a second handle. */
const shared = globalThis as { [POLLED]?: Set<number> };
shared[POLLED] ??= new Set();
const polled = shared[POLLED];

/** The system calls that a poller is made of. */
export interface PollCalls {
  readonly startPolling: StartPolling;
  readonly dup: (fd: number) => number;
  readonly close: (fd: number) => void;
  readonly isNonBlocking: (fd: number) => boolean;
  readonly setNonBlocking: (fd: number, on: boolean) => void;
}

/**
 * A poller over one poll handle. The handle stays armed after an event, since a handshake waits for the next one soon;
 * an event that nobody waits for disarms it.
 *
 * @param isShared Polls a copy, since a handle of Node's own can be polling `fd`: that ends the process too. libuv makes
 *   what it polls non-blocking, and other processes see that: here it is undone.
 */
export function makePoller(calls: PollCalls, fd: number, isShared: boolean): Poller {
  return new HandlePoller(calls, fd, isShared);
}

class HandlePoller implements Poller {
  readonly #calls: PollCalls;
  readonly #fd: number;
  readonly #isShared: boolean;
  #waiters: Waiter[] = [];
  #handle: PollHandle | undefined;
  /** What the handle reports: a sum of {@link BITS}. */
  #armed = 0;
  #copy: number | undefined;
  #closed: { readonly reason: unknown } | undefined;

  constructor(calls: PollCalls, fd: number, isShared: boolean) {
    this.#calls = calls;
    this.#fd = fd;
    this.#isShared = isShared;
  }

  until(what: Readiness): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed.reason);
      this.#waiters.push({ what, resolve, reject });
      try {
        this.#arm();
      } catch (error) {
        this.#waiters.pop();
        reject(error); // no descriptor is left for a copy
      }
    });
  }

  close(reason?: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.#handle?.close();
    if (this.#handle !== undefined) polled.delete(this.#copy ?? this.#fd);
    if (this.#copy !== undefined) this.#calls.close(this.#copy);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }

  #arm(): void {
    let wanted = 0;
    for (const { what } of this.#waiters) wanted |= BITS[what];
    if (wanted === this.#armed) return;
    if (this.#handle === undefined) this.#handle = this.#start(eventsOf(wanted));
    else this.#handle.start(eventsOf(wanted), this.#react);
    this.#armed = wanted;
  }

  #start(events: PollEvents): PollHandle {
    const { startPolling, dup, isNonBlocking, setNonBlocking } = this.#calls;
    if (this.#isShared || polled.has(this.#fd)) this.#copy ??= dup(this.#fd);
    const mustBlock = this.#isShared && !isNonBlocking(this.#fd);
    const handle = startPolling(this.#copy ?? this.#fd, events, this.#react);
    if (mustBlock) setNonBlocking(this.#fd, false);
    polled.add(this.#copy ?? this.#fd);
    return handle;
  }

  readonly #react: PollCallback = (status, ready) => {
    const isDue = ({ what }: Waiter): boolean => status < 0 || ready[EVENTS[what]] === true;
    const due = this.#waiters.filter(isDue);
    this.#waiters = this.#waiters.filter((waiter) => !isDue(waiter));
    if (status < 0 || due.length === 0 || ready.disconnect === true) {
      this.#handle?.stop();
      this.#armed = 0;
    }
    if (this.#waiters.length > 0) this.#arm();
    if (NEEDS_TURN) setImmediate(() => this.#settle(due));
    else this.#settle(due);
  };

  #settle(due: readonly Waiter[]): void {
    for (const { resolve, reject } of due) this.#closed === undefined ? resolve() : reject(this.#closed.reason);
  }
}

const EVENTS = { readable: 'readable', writable: 'writable', closed: 'disconnect' } as const;
const BITS: Readonly<Record<Readiness, number>> = { readable: 1, writable: 2, closed: 4 };

function eventsOf(bits: number): PollEvents {
  const events: PollEvents = {};
  for (const what of ['readable', 'writable', 'closed'] as const)
    if ((bits & BITS[what]) !== 0) events[EVENTS[what]] = true;
  return events;
}
