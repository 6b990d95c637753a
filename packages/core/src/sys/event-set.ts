import { closeSync } from 'node:fs';
import { errnoName } from '../ground/system-error.js';
import type { PollHandle, StartPolling } from './poller.js';
import type { Poller } from './sys.js';
import { BITS, WaitList } from './wait-list.js';

/*
 * Waiting for many descriptors with epoll(7), which is Linux's own. A handle of libuv for each of a thousand descriptors
 * costs more than their handshakes: a native object to make, finalise and close, and eight system calls. Here there is one
 * such handle for all of them, which waits for the set.
 *
 * Each turn of the event loop takes a limited number of events out of the set, so that a thousand connections that are
 * ready at once do not keep the program from its other work. What is left in the set wakes the loop again.
 */

/** epoll(7). */
export interface EpollCalls {
  /** A new set, close-on-exec. */
  readonly create: () => number;
  /** Waits for the next of these events of a descriptor. */
  readonly add: (set: number, fd: number, events: number) => void;
  /** The same for one that is in the set already. */
  readonly change: (set: number, fd: number, events: number) => void;
  readonly remove: (set: number, fd: number) => void;
  /** Reports what has happened, at most so many events. Does not wait. */
  readonly take: (set: number, most: number, report: (fd: number, events: number) => void) => void;
}

/** After each event a handshake goes on for some ten microseconds. */
const MOST_EVENTS = 32;

const EPOLLIN = 0x001;
const EPOLLOUT = 0x004;
const EPOLLERR = 0x008;
const EPOLLHUP = 0x010;
const EPOLLRDHUP = 0x2000;

function toEpoll(bits: number): number {
  return (
    ((bits & BITS.readable) === 0 ? 0 : EPOLLIN) |
    ((bits & BITS.writable) === 0 ? 0 : EPOLLOUT) |
    ((bits & BITS.closed) === 0 ? 0 : EPOLLRDHUP)
  );
}

/** A connection that is broken, or closed on both sides, is ready for anything. */
function fromEpoll(events: number): number {
  if ((events & (EPOLLERR | EPOLLHUP)) !== 0) return BITS.readable | BITS.writable | BITS.closed;
  return (
    ((events & EPOLLIN) === 0 ? 0 : BITS.readable) |
    ((events & EPOLLOUT) === 0 ? 0 : BITS.writable) |
    ((events & EPOLLRDHUP) === 0 ? 0 : BITS.closed)
  );
}

/** Descriptors that are waited for together. It lasts as long as the thread. */
export class EventSet {
  readonly #epoll: EpollCalls;
  readonly #fd: number;
  readonly #handle: PollHandle;
  readonly #pollers = new Map<number, SetPoller>();
  /** How many of them wait for something. */
  #waiting = 0;

  /** @throws a system error if no descriptor is left for it */
  constructor(epoll: EpollCalls, startPolling: StartPolling) {
    this.#epoll = epoll;
    this.#fd = epoll.create();
    this.#handle = startPolling(this.#fd, { readable: true }, () => this.#take());
    this.#handle.unref();
  }

  /** A poller for a descriptor; undefined if another one in the set is for the same. */
  poller(fd: number): Poller | undefined {
    if (this.#pollers.has(fd)) return undefined;
    const poller = new SetPoller(this, fd);
    this.#pollers.set(fd, poller);
    return poller;
  }

  /** Waits for the next of these events. @param isNew Whether the poller has never waited. */
  arm(fd: number, bits: number, isNew: boolean): void {
    if (isNew) this.#add(fd, toEpoll(bits));
    else this.#epoll.change(this.#fd, fd, toEpoll(bits));
  }

  #add(fd: number, events: number): void {
    try {
      this.#epoll.add(this.#fd, fd, events);
    } catch (error) {
      if (errnoName(error) !== 'EEXIST') throw error;
      this.#epoll.change(this.#fd, fd, events); // an earlier poller has left it there
    }
  }

  /**
   * Forgets a poller. The descriptor of one that waits for nothing stays in the set, which reports nothing of it and loses it
   * when it is closed: mostly that is soon, and a system call less.
   */
  remove(fd: number, isArmed: boolean): void {
    this.#pollers.delete(fd);
    if (!isArmed) return;
    try {
      this.#epoll.remove(this.#fd, fd);
    } catch {
      // Somebody has closed the descriptor, so it has left the set.
    }
  }

  /** The process stays alive as long as somebody waits. */
  count(change: 1 | -1): void {
    this.#waiting += change;
    if (this.#waiting === 0) this.#handle.unref();
    else if (this.#waiting === 1 && change === 1) this.#handle.ref();
  }

  /** For a thread that ends: the system closes what the process has. */
  close(): void {
    this.#handle.close();
    closeSync(this.#fd);
  }

  #take(): void {
    this.#epoll.take(this.#fd, MOST_EVENTS, (fd, events) => this.#pollers.get(fd)?.react(fromEpoll(events)));
  }
}

class SetPoller extends WaitList {
  readonly #set: EventSet;
  readonly #fd: number;
  #isNew = true;
  /** What it waits for. The set reports one event, and then waits no more. */
  #armed = 0;

  constructor(set: EventSet, fd: number) {
    super();
    this.#set = set;
    this.#fd = fd;
  }

  react(events: number): void {
    this.#disarm();
    this.happened(events);
    if (this.wanted !== 0) this.arm(this.wanted);
  }

  protected override arm(wanted: number): void {
    if (wanted === this.#armed) return;
    this.#set.arm(this.#fd, wanted, this.#isNew);
    this.#isNew = false;
    if (this.#armed === 0) this.#set.count(1);
    this.#armed = wanted;
  }

  protected override release(): void {
    const isArmed = this.#armed !== 0;
    this.#disarm();
    this.#set.remove(this.#fd, isArmed);
  }

  #disarm(): void {
    if (this.#armed !== 0) this.#set.count(-1);
    this.#armed = 0;
  }
}
