import { type EpollCalls, EventSet } from './event-set.js';
import { makePoller, type PollCalls } from './poller.js';
import type { Poller, Sys } from './sys.js';

/** The pollers of a process that makes one dial. For them a set takes longer to make than it saves. */
const FEW = 8;

/**
 * How a process waits for descriptors: the first few times with a handle for each, then with a set for all where the system
 * has one.
 */
export class Pollers {
  readonly #calls: PollCalls;
  readonly #epoll: EpollCalls | undefined;
  #count = 0;
  #set: EventSet | undefined;

  /** @param epoll Undefined where the system has none. */
  constructor(calls: PollCalls, epoll: EpollCalls | undefined) {
    this.#calls = calls;
    this.#epoll = epoll;
  }

  readonly poll: Sys['poll'] = (fd, { isShared = false } = {}) =>
    (isShared ? undefined : this.#inSet(fd)) ?? makePoller(this.#calls, fd, isShared);

  #inSet(fd: number): Poller | undefined {
    this.#count += 1;
    if (this.#epoll === undefined || this.#count <= FEW) return undefined;
    try {
      this.#set ??= this.#makeSet(this.#epoll);
    } catch {
      return undefined; // no descriptor is left for it; a handle needs none
    }
    return this.#set.poller(fd);
  }

  #makeSet(epoll: EpollCalls): EventSet {
    const set = new EventSet(epoll, this.#calls.startPolling);
    const { isMainThread } = process.getBuiltinModule('node:worker_threads');
    if (!isMainThread) process.once('exit', () => set.close());
    return set;
  }
}
