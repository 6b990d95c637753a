import type { Poller } from './sys.js';
import { BITS, WaitList } from './wait-list.js';

/** The part of koffi's poll handle that is used here (uv_poll_t). */
export interface PollHandle {
  start(events: PollEvents, callback: PollCallback): void;
  stop(): void;
  close(): void;
  /** Whether the process stays alive for it. */
  ref(): void;
  unref(): void;
}

type PollEvents = { readable?: boolean; writable?: boolean; disconnect?: boolean };
/** `status` is negative, and `ready` empty, when the descriptor reports an error; the handle is then stopped. */
export type PollCallback = (status: number, ready: PollEvents) => void;
export type StartPolling = (fd: number, events: PollEvents, callback: PollCallback) => PollHandle;

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

class HandlePoller extends WaitList {
  readonly #calls: PollCalls;
  readonly #fd: number;
  readonly #isShared: boolean;
  #handle: PollHandle | undefined;
  #armed = 0;
  #copy: number | undefined;

  constructor(calls: PollCalls, fd: number, isShared: boolean) {
    super();
    this.#calls = calls;
    this.#fd = fd;
    this.#isShared = isShared;
  }

  protected override arm(wanted: number): void {
    if (wanted === this.#armed) return;
    const events = eventsOf(wanted);
    if (this.#handle === undefined) this.#handle = this.#start(events);
    else this.#handle.start(events, this.#react);
    this.#armed = wanted;
  }

  protected override release(): void {
    this.#handle?.close();
    if (this.#handle !== undefined) polled.delete(this.#copy ?? this.#fd);
    if (this.#copy !== undefined) this.#calls.close(this.#copy);
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
    const isWanted = this.happened(status < 0 ? ALL : bitsOf(ready));
    if (status < 0 || !isWanted || ready.disconnect === true) {
      this.#handle?.stop();
      this.#armed = 0;
    }
    if (this.wanted !== 0) this.arm(this.wanted);
  };
}

const ALL = BITS.readable | BITS.writable | BITS.closed;

function bitsOf({ readable, writable, disconnect }: PollEvents): number {
  return (readable ? BITS.readable : 0) | (writable ? BITS.writable : 0) | (disconnect ? BITS.closed : 0);
}

function eventsOf(bits: number): PollEvents {
  const events: PollEvents = {};
  if ((bits & BITS.readable) !== 0) events.readable = true;
  if ((bits & BITS.writable) !== 0) events.writable = true;
  if ((bits & BITS.closed) !== 0) events.disconnect = true;
  return events;
}
