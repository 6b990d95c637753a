import type { Platform } from './platform.js';

/**
 * System calls. Each throws a Node-like system error (`code` is the errno name, `syscall` the call) when it fails;
 * EINTR is retried within. Tests put fakes in place of it.
 */
export interface Sys {
  /** The system whose layouts it uses. */
  readonly platform: Platform;
  /** socket(2), close-on-exec. */
  socket(domain: number, type: number, protocol: number): number;
  /** A connected pair of unix stream sockets, close-on-exec, blocking. */
  socketpair(): [number, number];
  /** setsockopt(2) with a value of any form. */
  setsockopt(fd: number, level: number, name: number, value: Buffer): void;
  /** getsockopt(2) of an int. */
  getsockoptInt(fd: number, level: number, name: number): number;
  /** bind(2) with a raw sockaddr. */
  bind(fd: number, address: Buffer): void;
  /** The raw sockaddr of our end. */
  getsockname(fd: number): Buffer;
  /** The raw sockaddr of the other end. */
  getpeername(fd: number): Buffer;
  /** Sends one message. EAGAIN is thrown. */
  sendmsg(fd: number, data: Buffer, control: Buffer, flags: number): number;
  /** Receives one message: bytes of data, flags, and descriptors that the caller now owns. EAGAIN is thrown. */
  recvmsg(
    fd: number,
    data: Buffer,
    controlLength: number,
    flags: number,
  ): { bytes: number; flags: number; fds: readonly number[] };
  /** Whether the other end of a stream socket has closed and nothing is left to read. Takes nothing (MSG_PEEK). */
  isAtEnd(fd: number): boolean;
  /** connect(2) with a raw sockaddr. EINPROGRESS is thrown on a non-blocking socket. */
  connect(fd: number, address: Buffer): void;
  /** dup(2), close-on-exec. */
  dup(fd: number): number;
  /** FD_CLOEXEC (fcntl(2)). */
  setCloseOnExec(fd: number): void;
  /** shutdown(2). */
  shutdown(fd: number, how: number): void;
  /** Sets or clears O_NONBLOCK, which belongs to the open file description and so travels with a passed descriptor. */
  setNonBlocking(fd: number, on: boolean): void;
  /** Whether O_NONBLOCK is set (fcntl(2)). */
  isNonBlocking(fd: number): boolean;
  /** close(2). */
  close(fd: number): void;
  /**
   * getaddrinfo(3) in one of libuv's threads: the raw `sockaddr`s of a host, of one family (an `AF_` constant; 0 for any).
   * Rejects with an error whose `code` is the resolver's (`EAI_NONAME`, …). Cannot be interrupted.
   */
  getaddrinfo(host: string, family: number): Promise<readonly Buffer[]>;
  /** The system error for an errno that did not come from a call, such as SO_ERROR's. */
  errorOf(syscall: string, errno: number): Error;
  /** _exit(2): ends the process at once; nothing is flushed, no thread is waited for. */
  exit(code: number): never;
  /** Resolves when `fd` is readable or writable (or broken), without a thread and without reading; rejects with the signal's reason. */
  wait(fd: number, what: 'readable' | 'writable', signal?: AbortSignal): Promise<void>;
}
