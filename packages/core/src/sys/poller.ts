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
  const { startPolling, dup, close } = calls;
  const waiters = new Set<Waiter>();
  let handle: PollHandle | undefined;
  let armed = '';
  let copy: number | undefined;
  let closed: { readonly reason: unknown } | undefined;

  const arm = (): void => {
    const wanted = wantedEvents(waiters);
    const key = Object.keys(wanted).join();
    if (key === armed) return;
    if (handle !== undefined) handle.start(wanted, react);
    else {
      if (isShared || polled.has(fd)) copy ??= dup(fd);
      const mustBlock = isShared && !calls.isNonBlocking(fd);
      handle = startPolling(copy ?? fd, wanted, react);
      if (mustBlock) calls.setNonBlocking(fd, false);
      polled.add(copy ?? fd);
    }
    armed = key;
  };
  const react = (status: number, ready: PollEvents): void => {
    const due = [...waiters].filter(({ what }) => status < 0 || ready[EVENTS[what]] === true);
    for (const waiter of due) waiters.delete(waiter);
    if (status < 0 || due.length === 0 || ready.disconnect === true) {
      handle?.stop();
      armed = '';
    }
    if (waiters.size > 0) arm();
    const settle = (): void => {
      for (const { resolve, reject } of due) closed === undefined ? resolve() : reject(closed.reason);
    };
    if (NEEDS_TURN) setImmediate(settle);
    else settle();
  };
  return {
    until: (what) =>
      new Promise((resolve, reject) => {
        if (closed !== undefined) return reject(closed.reason);
        const waiter = { what, resolve, reject };
        waiters.add(waiter);
        try {
          arm();
        } catch (error) {
          waiters.delete(waiter);
          reject(error); // no descriptor is left for a copy
        }
      }),
    close(reason) {
      if (closed !== undefined) return;
      closed = { reason };
      handle?.close();
      if (handle !== undefined) polled.delete(copy ?? fd);
      if (copy !== undefined) close(copy);
      for (const waiter of waiters) waiter.reject(reason);
      waiters.clear();
    },
  };
}

const EVENTS = { readable: 'readable', writable: 'writable', closed: 'disconnect' } as const;

function wantedEvents(waiters: Iterable<Waiter>): PollEvents {
  const events: PollEvents = {};
  for (const { what } of waiters) events[EVENTS[what]] = true;
  return events;
}
