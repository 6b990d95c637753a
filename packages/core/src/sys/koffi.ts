import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { KoffiFunc } from 'koffi';
import { type AbortState, onAbort } from '../ground/abortable.js';
import { FdpassError, withoutStack } from '../ground/errors.js';
import { resolveModule } from '../ground/modules.js';
import { otherRuntime } from '../ground/runtime.js';
import { errnoName, fromSystemError, isOutOfDescriptors } from '../ground/system-error.js';
import { messageOf } from '../ground/text.js';
import { addrinfoError, addrinfoHints, readAddrinfos, readPointer } from './addrinfo.js';
import { epollCalls } from './epoll.js';
import { DescriptorRoom, enlargeTable } from './fd-room.js';
import type { PlatformName } from './layouts.js';
import { decodeMessage, decodeRights, expectControl, type Message, makeMessage } from './message.js';
import { detectPlatform, type Platform } from './platform.js';
import { makePoller, type StartPolling } from './poller.js';
import { Pollers } from './pollers.js';
import type { Peer, Poller, Readiness, Splicing, Sys } from './sys.js';

/*
 * The only file that imports koffi. It is loaded when the first system call needs it, since most of its start is
 * spent in dlopen(3).
 */

type Koffi = typeof import('koffi');

let loaded: Sys | undefined;
let isMissing = false;

/** The system calls, loaded once. @throws FdpassError `internal` where koffi or the platform is missing. */
export function loadSys(): Sys {
  if (loaded === undefined) {
    refuseOtherRuntimes();
    const platform = detectPlatform();
    loaded = makeSys(loadKoffi(platform.name), platform);
  }
  return loaded;
}

/** Bun ends the process when koffi polls a descriptor (uv_poll), and in Deno such a poll never reports anything. */
function refuseOtherRuntimes(): void {
  const runtime = otherRuntime();
  if (runtime === undefined) return;
  throw new FdpassError('internal', `${runtime} cannot wait for descriptors of system calls`, {
    hint: 'use Node for routes that need them',
  });
}

/** The system calls, or undefined where koffi or the platform is missing: Node's own sockets can still dial there. */
export function findSys(): Sys | undefined {
  if (isMissing) return undefined;
  try {
    return loadSys();
  } catch (error) {
    // Looking in every folder again would take longer than the dial. A lack of descriptors passes.
    isMissing = !isOutOfDescriptors(error);
    return undefined;
  }
}

const RTLD_LAZY = 1;
/** Without it, koffi is unmapped when the last thread with it ends, before libuv calls it to close a poll handle. */
const RTLD_NODELETE = 0x1000;

/**
 * koffi's native part alone, where it is found: its JavaScript adds nothing that is used here and takes four times as long
 * to load, and Node's own resolver would read every package.json on the way and look into the folders of NODE_PATH.
 */
function loadKoffi(platform: PlatformName): Koffi {
  const here = import.meta.filename;
  try {
    const { arch } = process;
    // The real path: package managers that link packages keep koffi's own dependencies beside the original only.
    const koffi = realpathSync.native(`${findModule('koffi', here)}/package.json`);
    const native = findModule(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`, koffi);
    if (platform !== 'linux-glibc') return fromWrapper(here);
    const loading = { exports: {} };
    process.dlopen(loading, realpathSync.native(native), RTLD_LAZY | RTLD_NODELETE);
    return loading.exports as Koffi;
  } catch {
    return fromWrapper(here);
  }
}

/** Where a module is, as seen from a file: in the nearest node_modules folder that has it. */
function findModule(name: string, from: string): string {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const path = `${folder}/node_modules/${name}`; // join() would take longer than to look
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed`);
  }
}

function fromWrapper(from: string): Koffi {
  try {
    const file = resolveModule('koffi', from);
    if (file === undefined) throw new Error('it is not installed');
    return process.getBuiltinModule('node:module').createRequire(from)(file);
  } catch (cause) {
    if (errnoName(cause) === 'EMFILE') throw fromSystemError(cause, 'cannot load the system calls');
    throw new FdpassError('internal', `cannot load koffi: ${messageOf(cause)}`, {
      hint: 'check that it is installed for this platform',
      cause,
    });
  }
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const MSG_PEEK = 2;
const POLLOUT = 0x004;
const POLLERR = 0x008;
const POLLHUP = 0x010;
const EINTR = 4;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const IF_NAMESIZE = 16;
const SIG_DFL = 0;
/** By Node, and with it by every program that it becomes: exec keeps what is ignored. */
const IGNORED_SIGNALS = ['SIGPIPE', 'SIGXFSZ'] as const;
const MAX_SOCKADDR = 128; // sizeof(struct sockaddr_storage)

/** The C functions we call. Each is declared when it is first needed: that takes a while too, and a dial needs few. */
const PROTOTYPES = {
  socket: 'int socket(int, int, int)',
  socketpair: 'int socketpair(int, int, int, void*)',
  setsockopt: 'int setsockopt(int, int, int, void*, uint32_t)',
  getsockopt: 'int getsockopt(int, int, int, void*, void*)',
  bind: 'int bind(int, void*, uint32_t)',
  listen: 'int listen(int, int)',
  accept: 'int accept(int, void*, void*)',
  accept4: 'int accept4(int, void*, void*, int)',
  getsockname: 'int getsockname(int, void*, void*)',
  getpeername: 'int getpeername(int, void*, void*)',
  getpeereid: 'int getpeereid(int, void*, void*)',
  sendmsg: 'intptr_t sendmsg(int, void*, int)',
  recvmsg: 'intptr_t recvmsg(int, void*, int)',
  recv: 'intptr_t recv(int, void*, size_t, int)',
  send: 'intptr_t send(int, void*, size_t, int)',
  connect: 'int connect(int, void*, uint32_t)',
  shutdown: 'int shutdown(int, int)',
  dup2: 'int dup2(int, int)',
  poll: 'int poll(void*, unsigned long, int)',
  pipe2: 'int pipe2(void*, int)',
  splice: 'intptr_t splice(int, void*, int, void*, size_t, uint32_t)',
  fcntl: 'int fcntl(int, int, ...)',
  close: 'int close(int)',
  if_nametoindex: 'uint32_t if_nametoindex(const char*)',
  if_indextoname: 'intptr_t if_indextoname(uint32_t, void*)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void*)',
  epoll_wait: 'int epoll_wait(int, void*, int, int)',
  getaddrinfo: 'int getaddrinfo(const char*, const char*, void*, void*)',
  freeaddrinfo: 'void freeaddrinfo(void*)',
  signal: 'intptr_t signal(int, intptr_t)',
  execvp: 'int execvp(const char*, const char**)',
  _exit: 'int _exit(int)',
} as const;

type FunctionName = keyof typeof PROTOTYPES;

/** A function that koffi calls in one of libuv's threads. */
type AsyncFunction = KoffiFunc<(...words: never[]) => number> & {
  async(...args: [...words: unknown[], done: (error: Error | null, result: number) => void]): void;
};

/** The system calls through koffi, of a system. */
export function makeSys(koffi: Koffi, platform: Platform): Sys {
  const { constants, layout } = platform;
  errnoNames.set(constants.EAGAIN, 'EAGAIN').set(constants.EINPROGRESS, 'EINPROGRESS');
  const libc = koffi.load(null);
  const declared: Partial<Record<FunctionName, KoffiFunc<(...args: never[]) => number>>> = {};

  const declare = (name: FunctionName): KoffiFunc<(...words: never[]) => number> => {
    declared[name] ??= libc.func(PROTOTYPES[name]) as KoffiFunc<(...words: never[]) => number>;
    return declared[name];
  };
  /** Calls a function that gives -1 if it fails. The result is the negative errno then, as a system call's own is. */
  const attempt = (name: FunctionName, args: readonly unknown[]): number => {
    const declaredFunction = declare(name);
    for (;;) {
      const result = Number(declaredFunction(...(args as never[])));
      if (result !== -1) return result;
      const errno = koffi.errno();
      if (errno !== EINTR || !isRetried(name)) return -errno;
    }
  };
  const call = (name: FunctionName, ...args: unknown[]): number => {
    const result = attempt(name, args);
    if (result < 0) throw systemError(name, -result);
    return result;
  };
  const fcntl = (fd: number, command: number, value = 0): number => call('fcntl', fd, command, 'int', value);
  const setCloseOnExec = (fd: number, on = true): void => {
    const flags = fcntl(fd, F_GETFD);
    fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
  };
  const setNonBlocking = (fd: number, on: boolean): void => {
    const flags = fcntl(fd, F_GETFL);
    const wanted = on ? flags | constants.O_NONBLOCK : flags & ~constants.O_NONBLOCK;
    if (wanted !== flags) fcntl(fd, F_SETFL, wanted);
  };
  const cloexec = constants.SOCK_CLOEXEC;
  const dup = (fd: number): number => fcntl(fd, constants.F_DUPFD_CLOEXEC, 3); // 3: never a standard stream
  const close = (fd: number): void => {
    try {
      call('close', fd);
    } catch (error) {
      // Anything else comes after the descriptor is closed: EINTR, or ECONNRESET on FreeBSD.
      if (errnoName(error) === 'EBADF') throw error;
    }
  };
  const isNonBlocking = (fd: number): boolean => (fcntl(fd, F_GETFL) & constants.O_NONBLOCK) !== 0;
  const isLinux = platform.name.startsWith('linux');
  const startPolling = koffi.node.poll as unknown as StartPolling;
  const pollCalls = { startPolling, dup, close, isNonBlocking, setNonBlocking };
  const dup2Elsewhere = (from: number, to: number, done: () => void): void => {
    try {
      (declare('dup2') as AsyncFunction).async(from, to, done);
    } catch {
      // koffi has too many calls under way: then the table grows when it is full.
    }
  };
  const room = isLinux ? new DescriptorRoom((size) => enlargeTable(size, dup2Elsewhere)) : undefined;
  /** Notes a new descriptor, and returns it. */
  const opened = (fd: number): number => {
    room?.opened(fd);
    return fd;
  };
  const { poll } = new Pollers(pollCalls, isLinux ? epollCalls(call, process.arch) : undefined);
  // Memory for one call after the other: making a buffer takes longer than these calls.
  const pollfd = new DataView(new ArrayBuffer(8)); // struct pollfd { int fd; short events; short revents; }
  const pollfdBytes = Buffer.from(pollfd.buffer);
  const int = new Int32Array(1);
  const intBytes = Buffer.from(int.buffer);
  const lengthBytes = Buffer.from(Uint32Array.of(4).buffer);
  /** poll(2) of one descriptor: which of `events`, POLLERR and POLLHUP it has now, or within the time. */
  const pollOnce = (fd: number, events: number, timeoutMs: number): number => {
    pollfd.setInt32(0, fd, layout.littleEndian);
    pollfd.setInt16(4, events, layout.littleEndian);
    call('poll', pollfdBytes, 1, timeoutMs);
    return pollfd.getInt16(6, layout.littleEndian);
  };

  /** Messages over memory that is used again: to make one takes longer than the call. */
  const messages = new WeakMap<Buffer, Message>();
  const messageFor = (data: Buffer, controlLength: number): Message => {
    const known = messages.get(data);
    if (known?.control.length === controlLength) {
      expectControl(layout, known);
      return known;
    }
    const message = makeMessage(layout, data, Buffer.alloc(controlLength), koffi.address);
    messages.set(data, message);
    return message;
  };

  const sockaddr = (name: 'getsockname' | 'getpeername', fd: number): Buffer => {
    const address = Buffer.alloc(MAX_SOCKADDR);
    const length = Buffer.from(Uint32Array.of(MAX_SOCKADDR).buffer);
    call(name, fd, address, length);
    return address.subarray(0, new Uint32Array(length.buffer, length.byteOffset, 1)[0]);
  };

  const peerOf = (fd: number): Peer => {
    if (constants.SO_PEERCRED === undefined) {
      const [uid, gid] = [new Uint32Array(1), new Uint32Array(1)];
      call('getpeereid', fd, Buffer.from(uid.buffer), Buffer.from(gid.buffer));
      return { uid: uid[0] ?? -1 };
    }
    const credentials = new Int32Array(3); // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
    const length = Buffer.from(Uint32Array.of(credentials.byteLength).buffer);
    call('getsockopt', fd, constants.SOL_SOCKET, constants.SO_PEERCRED, Buffer.from(credentials.buffer), length);
    const [pid = 0, uid = -1] = credentials;
    return { pid, uid: uid >>> 0 };
  };

  const lent = new Set<Buffer>(); // memory that another thread reads: koffi does not keep it from being collected
  const getaddrinfo = (host: string, family: number): Promise<readonly Buffer[]> =>
    new Promise((resolve, reject) => {
      const list = Buffer.alloc(layout.pointerSize);
      const hints = addrinfoHints(family, platform);
      lent.add(hints);
      const settle = (error: Error | null, code: number): void => {
        lent.delete(hints);
        if (error !== null || code !== 0) {
          reject(error ?? lookupError(code, platform.name));
          return;
        }
        const first = readPointer(list, 0, layout);
        const sockaddrs = readAddrinfos(first, platform, (at, length) => Buffer.from(koffi.view(at, length)));
        declare('freeaddrinfo')(first as never);
        resolve(sockaddrs);
      };
      (declare('getaddrinfo') as AsyncFunction).async(host, null, hints, list, settle);
    });

  const interfaceName = (index: number): string | undefined => {
    const name = Buffer.alloc(IF_NAMESIZE);
    return call('if_indextoname', index, name) === 0 ? undefined : name.toString('latin1', 0, name.indexOf(0));
  };

  const splicing: Splicing = {
    openPipe() {
      const pair = new Int32Array(2);
      call('pipe2', Buffer.from(pair.buffer), (cloexec ?? 0) | constants.O_NONBLOCK);
      const [reader = -1, writer = -1] = pair;
      return [reader, writer];
    },
    setPipeSize: (fd, size) => void attempt('fcntl', [fd, F_SETPIPE_SZ, 'int', size]),
    splice(from, to, length) {
      const moved = attempt('splice', [from, null, to, null, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK]);
      if (moved >= 0) return moved;
      if (moved === -constants.EAGAIN) return undefined;
      throw systemError('splice', -moved);
    },
  };

  return {
    platform,
    splicing: isLinux ? splicing : undefined,
    socket(domain, type, protocol) {
      const { SOCK_NONBLOCK } = constants;
      const fd = call('socket', domain, type | (cloexec ?? 0) | (SOCK_NONBLOCK ?? 0), protocol);
      if (cloexec === undefined) setCloseOnExec(fd);
      if (SOCK_NONBLOCK === undefined) setNonBlocking(fd, true);
      return opened(fd);
    },
    socketpair() {
      const pair = new Int32Array(2);
      call('socketpair', AF_UNIX, SOCK_STREAM | (cloexec ?? 0), 0, Buffer.from(pair.buffer));
      const [one = -1, other = -1] = pair;
      if (cloexec === undefined) for (const fd of [one, other]) setCloseOnExec(fd);
      return [one, other];
    },
    setsockopt(fd, level, name, value) {
      if (typeof value === 'number') int[0] = value;
      const bytes = typeof value === 'number' ? intBytes : value;
      call('setsockopt', fd, level, name, bytes, bytes.length);
    },
    getsockoptInt(fd, level, name) {
      call('getsockopt', fd, level, name, intBytes, lengthBytes);
      return int[0] ?? 0;
    },
    bind: (fd, address) => void call('bind', fd, address, address.length),
    listen: (fd, backlog) => void call('listen', fd, backlog),
    accept(fd) {
      const { SOCK_NONBLOCK } = constants;
      if (cloexec !== undefined && SOCK_NONBLOCK !== undefined)
        return opened(call('accept4', fd, null, null, cloexec | SOCK_NONBLOCK));
      const accepted = call('accept', fd, null, null);
      setCloseOnExec(accepted);
      setNonBlocking(accepted, true);
      return accepted;
    },
    getsockname: (fd) => sockaddr('getsockname', fd),
    getpeername: (fd) => sockaddr('getpeername', fd),
    peerOf,
    send: (fd, data, flags) => call('send', fd, data, data.length, flags),
    recv: (fd, data, flags) => call('recv', fd, data, data.length, flags),
    sendmsg(fd, data, control, flags) {
      const message = makeMessage(layout, data, control, koffi.address);
      return call('sendmsg', fd, message.header, flags);
    },
    recvmsg(fd, data, controlLength, flags) {
      const message = messageFor(data, controlLength);
      const bytes = call('recvmsg', fd, message.header, flags);
      const { flags: received, controls } = decodeMessage(layout, message);
      const fds = decodeRights(layout, controls, constants.SOL_SOCKET, constants.SCM_RIGHTS);
      return { bytes, flags: received, fds, controls };
    },
    isAtEnd(fd) {
      try {
        return call('recv', fd, Buffer.alloc(1), 1, MSG_PEEK | constants.MSG_DONTWAIT) === 0;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EAGAIN'; // reset: nothing will come any more
      }
    },
    connect(fd, address) {
      const result = attempt('connect', [fd, address, address.length]);
      if (result >= 0) return true;
      // On this machine it is made by now, and to look costs less than a turn of the event loop.
      if (GOES_ON.has(errnoNameOf(-result))) return pollOnce(fd, POLLOUT, 0) === POLLOUT;
      throw systemError('connect', -result);
    },
    dup,
    replace: (fd, by) => void call('dup2', by, fd),
    setCloseOnExec,
    execute(argv) {
      const { signals } = process.getBuiltinModule('node:os').constants;
      const ignored = IGNORED_SIGNALS.map((name) => signals[name]);
      const handlers = ignored.map((signal) => call('signal', signal, SIG_DFL));
      try {
        call('execvp', argv[0], [...argv, null]);
      } catch (error) {
        ignored.forEach((signal, at) => void call('signal', signal, handlers[at] ?? SIG_DFL));
        throw error;
      }
      throw new Error('execvp returned');
    },
    shutdown: (fd, how) => void call('shutdown', fd, how),
    setNonBlocking,
    isNonBlocking,
    isHungUp: (fd) => (pollOnce(fd, 0, 0) & (POLLHUP | POLLERR)) !== 0,
    isWritable: (fd, withinMs) => (pollOnce(fd, POLLOUT, withinMs) & POLLOUT) !== 0,
    close,
    interfaceIndex(zone) {
      if (/^\d+$/.test(zone)) return interfaceName(Number(zone)) === undefined ? undefined : Number(zone);
      return call('if_nametoindex', zone) || undefined;
    },
    interfaceName,
    errorOf: systemError,
    exit(code) {
      call('_exit', code);
      throw new Error('_exit returned');
    },
    poll,
    wait: (fd, what, signal) => wait(makePoller(pollCalls, fd, true), what, signal),
    getaddrinfo: (host, family) => getaddrinfo(host, family),
  };
}

/** What connect(2) fails with while it goes on by itself; an interrupted one does so too. */
const GOES_ON = new Set(['EINPROGRESS', 'EINTR']);

/** close(2) has closed the descriptor by then, and connect(2) goes on by itself (EALREADY would come of a second call). */
function isRetried(name: FunctionName): boolean {
  return name !== 'close' && name !== 'connect';
}

async function wait(poller: Poller, what: Readiness, signal: AbortState | undefined): Promise<void> {
  const release = onAbort(signal, (reason) => poller.close(reason));
  try {
    await poller.until(what);
  } finally {
    release();
    poller.close();
  }
}

const errnoNames = new Map<number, string>();

/** Remembers names. EAGAIN and EINPROGRESS, which are a part of most dials, are there from the start: Node loads a module for others. */
function errnoNameOf(errno: number): string {
  const name = errnoNames.get(errno) ?? findErrnoName(errno);
  errnoNames.set(errno, name);
  return name;
}

/** libuv's list leaves some out, EINPROGRESS among them; the system's has two names for others. */
function findErrnoName(errno: number): string {
  const name = process.getBuiltinModule('node:util').getSystemErrorName(-errno);
  if (!name.startsWith('Unknown')) return name;
  const { errno: names } = process.getBuiltinModule('node:os').constants;
  return Object.entries(names).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

function lookupError(code: number, platform: PlatformName): NodeJS.ErrnoException {
  const name = addrinfoError(code, platform);
  return Object.assign(new Error(`getaddrinfo ${name}`), { code: name, syscall: 'getaddrinfo' });
}

/** Without a stack: nobody shows it (`stackOf`), and making one takes longer than a call that has to be made again later. */
function systemError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = errnoNameOf(errno);
  const error = withoutStack(() => new Error(`${syscall} ${code}`));
  return Object.assign(error, { code, errno: -errno, syscall });
}
