/*
 * Where things lie in `struct msghdr`, `struct cmsghdr` and `struct iovec`, and what the constants are, as data: one
 * entry for each platform and word size. The sources are the C libraries' <sys/socket.h>.
 */

/** One member: its offset and its size in bytes. */
export interface Member {
  readonly at: number;
  readonly size: 4 | 8;
}

export interface MessageLayout {
  /** Bytes of a pointer, and of `size_t`. */
  readonly pointerSize: 4 | 8;
  readonly littleEndian: boolean;
  readonly msghdr: {
    readonly size: number;
    readonly name: Member;
    readonly iov: Member;
    readonly iovlen: Member;
    readonly control: Member;
    readonly controllen: Member;
    readonly flags: Member;
  };
  readonly cmsghdr: {
    readonly len: Member;
    readonly level: Member;
    readonly type: Member;
    /** From the header's start to its data (CMSG_LEN(0)). */
    readonly data: number;
    /** What the next header is aligned to. */
    readonly align: 4 | 8;
  };
}

/** Constants that differ between platforms; undefined where the platform has no such thing. */
export interface SocketConstants {
  readonly SOL_SOCKET: number;
  readonly SO_TYPE: number;
  readonly SO_ERROR: number;
  readonly SO_KEEPALIVE: number;
  readonly SO_SNDBUF: number;
  readonly SO_PEERCRED: number | undefined;
  readonly SO_RCVBUF: number;
  readonly SCM_RIGHTS: number;
  readonly MSG_CTRUNC: number;
  readonly MSG_DONTWAIT: number;
  readonly MSG_NOSIGNAL: number | undefined;
  readonly MSG_CMSG_CLOEXEC: number | undefined;
  readonly SOCK_CLOEXEC: number | undefined;
  readonly SOCK_NONBLOCK: number | undefined;
  readonly O_NONBLOCK: number;
  readonly F_DUPFD_CLOEXEC: number;
  readonly AF_INET6: number;
  readonly AF_VSOCK: number | undefined;
  readonly EAGAIN: number;
  readonly EINPROGRESS: number;
  /** The first byte of a `sockaddr` is its length, the second its family; elsewhere the family takes both. */
  readonly sockaddrHasLength: boolean;
}

export type PlatformName = 'linux-glibc' | 'linux-musl' | 'darwin' | 'freebsd';

const word = (at: number): Member => ({ at, size: 4 });
const long = (at: number): Member => ({ at, size: 8 });

/** glibc, and the kernel itself: lengths are size_t. */
const glibc64 = (): MessageLayout => ({
  pointerSize: 8,
  littleEndian: true,
  msghdr: {
    size: 56,
    name: long(0),
    iov: long(16),
    iovlen: long(24),
    control: long(32),
    controllen: long(40),
    flags: word(48),
  },
  cmsghdr: { len: long(0), level: word(8), type: word(12), data: 16, align: 8 },
});

const linux32 = (): MessageLayout => ({
  pointerSize: 4,
  littleEndian: true,
  msghdr: {
    size: 28,
    name: word(0),
    iov: word(8),
    iovlen: word(12),
    control: word(16),
    controllen: word(20),
    flags: word(24),
  },
  cmsghdr: { len: word(0), level: word(4), type: word(8), data: 12, align: 4 },
});

/** musl: lengths are int and socklen_t with padding beside them, which must be zero; on big-endian the padding comes first. */
const musl64 = (): MessageLayout => ({
  pointerSize: 8,
  littleEndian: true,
  msghdr: {
    size: 56,
    name: long(0),
    iov: long(16),
    iovlen: word(24),
    control: long(32),
    controllen: word(40),
    flags: word(48),
  },
  cmsghdr: { len: word(0), level: word(8), type: word(12), data: 16, align: 8 },
});

/** The BSDs' msghdr; Darwin aligns control messages to 4 bytes on every word size. */
const darwin64 = (): MessageLayout => ({
  pointerSize: 8,
  littleEndian: true,
  msghdr: {
    size: 48,
    name: long(0),
    iov: long(16),
    iovlen: word(24),
    control: long(32),
    controllen: word(40),
    flags: word(44),
  },
  cmsghdr: { len: word(0), level: word(4), type: word(8), data: 12, align: 4 },
});

/** FreeBSD: as Darwin, but aligned to the machine's word, so that data begins at 16. */
const freebsd64 = (): MessageLayout => ({
  ...darwin64(),
  cmsghdr: { ...darwin64().cmsghdr, data: 16, align: 8 },
});

/** FreeBSD on 32 bit has the same offsets as Linux there. */
const freebsd32 = linux32;

/** Functions, since each process needs one of them. */
const LAYOUTS: Readonly<Record<PlatformName, Readonly<Partial<Record<4 | 8, () => MessageLayout>>>>> = {
  'linux-glibc': { 8: glibc64, 4: linux32 },
  'linux-musl': { 8: musl64, 4: linux32 },
  darwin: { 8: darwin64 },
  freebsd: { 8: freebsd64, 4: freebsd32 },
};

/** Members that musl writes as 4 bytes of an 8-byte slot: on big-endian the value is in the slot's second half. */
function muslBigEndian(layout: MessageLayout): MessageLayout {
  const { msghdr, cmsghdr } = layout;
  return {
    ...layout,
    msghdr: { ...msghdr, iovlen: word(28), controllen: word(44) },
    cmsghdr: { ...cmsghdr, len: word(4) },
  };
}

/** The layout for a platform; undefined if it is one we do not know. */
export function layoutFor(platform: PlatformName, pointerSize: 4 | 8, littleEndian = true): MessageLayout | undefined {
  const layout = LAYOUTS[platform][pointerSize]?.();
  if (layout === undefined || littleEndian) return layout;
  const swapped = { ...layout, littleEndian: false };
  return platform === 'linux-musl' && pointerSize === 8 ? muslBigEndian(swapped) : swapped;
}

const linux = (): SocketConstants => ({
  SOL_SOCKET: 1,
  SO_TYPE: 3,
  SO_ERROR: 4,
  SO_KEEPALIVE: 9,
  SO_SNDBUF: 7,
  SO_PEERCRED: 17,
  SO_RCVBUF: 8,
  SCM_RIGHTS: 1,
  MSG_CTRUNC: 0x08,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x4000_0000,
  SOCK_CLOEXEC: 0x8_0000,
  SOCK_NONBLOCK: 0x800,
  O_NONBLOCK: 0x800,
  F_DUPFD_CLOEXEC: 1030,
  AF_INET6: 10,
  AF_VSOCK: 40,
  EAGAIN: 11,
  EINPROGRESS: 115,
  sockaddrHasLength: false,
});

/** Linux on POWER has numbers of its own for a few options (arch/powerpc/include/uapi/asm/socket.h). */
const linuxPower = (): SocketConstants => ({ ...linux(), SO_PEERCRED: 21 });

const bsd = () =>
  ({
    SOL_SOCKET: 0xffff,
    SO_TYPE: 0x1008,
    SO_ERROR: 0x1007,
    SO_KEEPALIVE: 0x0008,
    SO_SNDBUF: 0x1001,
    SO_PEERCRED: undefined,
    SO_RCVBUF: 0x1002,
    SCM_RIGHTS: 1,
    MSG_CTRUNC: 0x20,
    MSG_DONTWAIT: 0x80,
    O_NONBLOCK: 0x4,
    EAGAIN: 35,
    EINPROGRESS: 36,
    sockaddrHasLength: true,
  }) as const;

const darwin = (): SocketConstants => ({
  ...bsd(),
  MSG_NOSIGNAL: undefined,
  MSG_CMSG_CLOEXEC: undefined,
  SOCK_CLOEXEC: undefined,
  SOCK_NONBLOCK: undefined,
  F_DUPFD_CLOEXEC: 67,
  AF_INET6: 30,
  AF_VSOCK: 40,
});

const freebsd = (): SocketConstants => ({
  ...bsd(),
  MSG_NOSIGNAL: 0x2_0000,
  MSG_CMSG_CLOEXEC: 0x4_0000,
  SOCK_CLOEXEC: 0x1000_0000,
  SOCK_NONBLOCK: 0x2000_0000,
  F_DUPFD_CLOEXEC: 17,
  AF_INET6: 28,
  AF_VSOCK: undefined,
});

/** The constants of a platform. @param arch As `process.arch`. */
export function constantsFor(platform: PlatformName, arch: string = process.arch): SocketConstants {
  if (platform === 'darwin') return darwin();
  if (platform === 'freebsd') return freebsd();
  return arch === 'ppc64' || arch === 'ppc' ? linuxPower() : linux();
}
