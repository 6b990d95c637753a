import type { AbortState } from '../ground/abortable.js';
import type { ControlMessage } from './message.js';
import type { Platform } from './platform.js';

/**
 * System calls. Each throws a Node-like system error (`code` is the errno name, `syscall` the call) when it fails. EINTR
 * is retried within, except for connect(2). Tests put fakes in place of it.
 */
export interface Sys {
  /** The system whose layouts it uses. */
  readonly platform: Platform;
  /** socket(2), close-on-exec and non-blocking. */
  socket(domain: number, type: number, protocol: number): number;
  /** A connected pair of unix stream sockets, close-on-exec, blocking. */
  socketpair(): [number, number];
  /** setsockopt(2) with an int, or with a value of any other form. */
  setsockopt(fd: number, level: number, name: number, value: number | Buffer): void;
  /** getsockopt(2) of an int. */
  getsockoptInt(fd: number, level: number, name: number): number;
  /** bind(2) with a raw sockaddr. */
  bind(fd: number, address: Buffer): void;
  /** listen(2), with room for so many clients that have not been accepted; the system can allow less. */
  listen(fd: number, backlog: number): void;
  /** accept(2), close-on-exec and non-blocking. EAGAIN is thrown. */
  accept(fd: number): number;
  /** The raw sockaddr of our end. */
  getsockname(fd: number): Buffer;
  /** The raw sockaddr of the other end. */
  getpeername(fd: number): Buffer;
  /** Who has connected a unix socket: its user, and its process where the system tells it (0 for one that we cannot see). */
  peerOf(fd: number): Peer;
  /** send(2): how many bytes were taken. EAGAIN is thrown. */
  send(fd: number, data: Uint8Array, flags: number): number;
  /** recv(2) into `data`: how many bytes came, 0 at the end. EAGAIN is thrown. */
  recv(fd: number, data: Uint8Array, flags: number): number;
  /** Sends one message. EAGAIN is thrown. */
  sendmsg(fd: number, data: Buffer, control: Buffer, flags: number): number;
  /**
   * Receives one message: bytes of data, flags, descriptors that the caller now owns, and all control messages, which are valid
   * until the next call with the same `data`. EAGAIN is thrown.
   */
  recvmsg(
    fd: number,
    data: Buffer,
    controlLength: number,
    flags: number,
  ): { bytes: number; flags: number; fds: readonly number[]; controls: readonly ControlMessage[] };
  /** Whether the other end of a stream socket has closed and nothing is left to read. Takes nothing (MSG_PEEK). */
  isAtEnd(fd: number): boolean;
  /** connect(2) with a raw sockaddr: whether it has connected. If not, it goes on; wait until the socket is writable. */
  connect(fd: number, address: Buffer): boolean;
  /** dup(2), close-on-exec. */
  dup(fd: number): number;
  /** dup2(2): closes `fd` and makes it a copy of `by`, which children inherit. */
  replace(fd: number, by: number): void;
  /** FD_CLOEXEC (fcntl(2)). Default: it is set. */
  setCloseOnExec(fd: number, on?: boolean): void;
  /**
   * execvp(3): the process becomes a program, which is looked for in PATH and gets this process's environment. Signals that
   * Node ignores end that program as they would any other. Returns only by throwing.
   */
  execute(argv: readonly [string, ...string[]]): never;
  /** shutdown(2). */
  shutdown(fd: number, how: number): void;
  /** Sets or clears O_NONBLOCK, which belongs to the open file description and so travels with a passed descriptor. */
  setNonBlocking(fd: number, on: boolean): void;
  /** Whether O_NONBLOCK is set (fcntl(2)). */
  isNonBlocking(fd: number): boolean;
  /** Whether nobody is left at the other end of a pipe or a unix socket; one that ended only its own side still is. */
  isHungUp(fd: number): boolean;
  /** Waits, and blocks the process, until a write would not block; false if it still would after `withinMs`. */
  isWritable(fd: number, withinMs: number): boolean;
  /** close(2). @throws EBADF only: after any other error the descriptor is closed too. */
  close(fd: number): void;
  /**
   * getaddrinfo(3) in one of libuv's threads: the raw `sockaddr`s of a host, of one family (an `AF_` constant; 0 for any).
   * Rejects with an error whose `code` is the resolver's (`EAI_NONAME`, …). Cannot be interrupted.
   */
  getaddrinfo(host: string, family: number): Promise<readonly Buffer[]>;
  /** The number of an interface, by its name or as a number; undefined if there is none. IPv6 scope ids are these. */
  interfaceIndex(zone: string): number | undefined;
  /** The name of the interface with a number; undefined if there is none. */
  interfaceName(index: number): string | undefined;
  /** Moving bytes within the kernel; undefined where the system cannot (it is Linux's own). */
  readonly splicing: Splicing | undefined;
  /** The system error for an errno that did not come from a call, such as SO_ERROR's. */
  errorOf(syscall: string, errno: number): Error;
  /** _exit(2): ends the process at once; nothing is flushed, no thread is waited for. */
  exit(code: number): never;
  /**
   * Waits for events of `fd` in the event loop, without a thread and without reading. It can make `fd` non-blocking. The
   * caller closes it before `fd`.
   *
   * With `isShared` a stream of Node's own can use `fd` at the same time, and `fd` stays blocking if it is: other
   * processes can share it. Default false: nothing but pollers waits for it.
   */
  poll(fd: number, options?: { readonly isShared?: boolean }): Poller;
  /** Resolves when `fd`, which can be shared, is readable or writable (or broken). Rejects with the signal's reason. */
  wait(fd: number, what: Readiness, signal?: AbortState): Promise<void>;
}

/** The process at the other end of a unix socket, as it was when it connected. */
export interface Peer {
  /** Its effective user. */
  readonly uid: number;
  /** Undefined where the system does not tell it. */
  readonly pid?: number;
}

/** splice(2) and the pipes it needs: one of its two descriptors is always a pipe. */
export interface Splicing {
  /** A pipe, close-on-exec and non-blocking. */
  openPipe(): [reader: number, writer: number];
  /** F_SETPIPE_SZ (fcntl(2)): room for so many bytes, if the system lets us. Does nothing to what is not a pipe. */
  setPipeSize(fd: number, size: number): void;
  /**
   * Moves at most `length` bytes from one descriptor to another without copying them to this process: how many, 0 at the
   * end, undefined if it would block. A pipe never blocks it, whatever its mode; a socket that blocks does. EINVAL is
   * thrown where one of them does not support it.
   */
  splice(from: number, to: number, length: number): number | undefined;
}

/** What can be waited for; a broken or closed connection counts as both. `closed`: the other side has ended or broken it. */
export type Readiness = 'readable' | 'writable' | 'closed';

/** Who waits for an event of a descriptor. One of the two is called, once. */
export interface Waiter {
  /** It has happened. */
  ready(): void;
  /** The poller was closed, with this reason, or cannot wait. */
  failed(reason: unknown): void;
}

/** Waits for events of one descriptor. Any number of waits can be pending at once. */
export interface Poller {
  /** Resolves when the descriptor is ready. */
  until(what: Readiness): Promise<void>;
  /** As {@link until}, with less to make for each wait. */
  wait(what: Readiness, waiter: Waiter): void;
  /** Ends all waits, which reject with `reason`, and stops polling. Does nothing the second time. */
  close(reason?: unknown): void;
}
