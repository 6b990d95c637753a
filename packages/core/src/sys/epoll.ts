import type { EpollCalls } from './event-set.js';

/*
 * epoll(7) by system calls, and `struct epoll_event { uint32_t events; uint64_t data; }`, which is packed on x86 and
 * aligned elsewhere.
 */

/** Makes a system call of this name. */
type Call = (name: 'epoll_create1' | 'epoll_ctl' | 'epoll_wait', ...args: unknown[]) => number;

const EPOLL_CLOEXEC = 0x8_0000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLONESHOT = 0x4000_0000;

/** @param arch As `process.arch`. */
export function epollCalls(call: Call, arch: string): EpollCalls {
  const words = arch === 'x64' || arch === 'ia32' ? 3 : 4; // of an event; its data begins with the last word but one
  const event = new Uint32Array(words);
  const eventBytes = Buffer.from(event.buffer);
  let events = new Uint32Array(0);
  let bytes = eventBytes;
  const control = (operation: number, set: number, fd: number, wanted: number): void => {
    event[0] = wanted | EPOLLONESHOT;
    event[words - 2] = fd;
    call('epoll_ctl', set, operation, fd, eventBytes);
  };
  return {
    create: () => call('epoll_create1', EPOLL_CLOEXEC),
    add: (set, fd, wanted) => control(EPOLL_CTL_ADD, set, fd, wanted),
    change: (set, fd, wanted) => control(EPOLL_CTL_MOD, set, fd, wanted),
    remove: (set, fd) => control(EPOLL_CTL_DEL, set, fd, 0),
    take(set, most, report) {
      if (events.length < most * words) {
        events = new Uint32Array(most * words);
        bytes = Buffer.from(events.buffer);
      }
      const count = call('epoll_wait', set, bytes, most, 0);
      for (let at = 0; at < count * words; at += words) report(events[at + words - 2] ?? -1, events[at] ?? 0);
    },
  };
}
