import { FdpassError } from '../ground/errors.js';
import { errnoName, reasonOf } from '../ground/system-error.js';
import type { PlatformName } from '../sys/layouts.js';
import type { Sys } from '../sys/sys.js';

/** How keep-alive probes are sent; for a missing property the system's default applies. */
export interface KeepAlive {
  /** Milliseconds of silence before the first probe. */
  readonly idle?: number | undefined;
  /** Milliseconds between probes. */
  readonly interval?: number | undefined;
  /** Probes without an answer before the connection counts as dead. */
  readonly count?: number | undefined;
}

/** Options of a socket, set before it connects. What is missing is left as the system has it. */
export interface SocketOptions {
  /** SO_KEEPALIVE and its times (tcp(7)). */
  readonly keepAlive?: boolean | KeepAlive | undefined;
  /** TCP_NODELAY: sends small packets at once (tcp(7)). */
  readonly noDelay?: boolean | undefined;
  /** Differentiated services code point, 0 to 63, or a name as ssh_config's IPQoS takes it. */
  readonly dscp?: number | string | undefined;
  /** SO_MARK for policy routing (socket(7)); Linux, needs CAP_NET_ADMIN. */
  readonly mark?: number | undefined;
  /** SO_BINDTODEVICE (socket(7)), e.g. `eth1`. */
  readonly bindInterface?: string | undefined;
  /** An IPv4 or IPv6 literal; restricts the connection to its family. */
  readonly bindAddress?: string | undefined;
  /** The source port. Default: the kernel chooses. */
  readonly bindPort?: number | undefined;
  /** Multipath TCP (RFC 8684), where the kernel has it. */
  readonly multipath?: boolean | undefined;
  /** TCP Fast Open (RFC 7413); connect() may then succeed before the server answers. */
  readonly fastOpen?: boolean | undefined;
  /** Milliseconds that sent data may stay unacknowledged. */
  readonly userTimeout?: number | undefined;
  /** Bytes. */
  readonly sendBuffer?: number | undefined;
  /** Bytes. */
  readonly receiveBuffer?: number | undefined;
}

/** IPQoS names of ssh_config(5) as whole TOS bytes (RFC 2474, 2597, 3246, 8622; the last four are RFC 1349's). */
const tosBytes = (): Readonly<Record<string, number>> => ({
  ...Object.fromEntries([1, 2, 3, 4].flatMap((x) => [1, 2, 3].map((y) => [`af${x}${y}`, (x * 8 + y * 2) << 2]))),
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((x) => [`cs${x}`, (x * 8) << 2])),
  ef: 46 << 2,
  le: 1 << 2,
  none: 0,
  lowdelay: 0x10,
  throughput: 0x08,
  reliability: 0x04,
});

/** The TOS byte for a `dscp` option; undefined for a name that is not known. */
export function tosByte(dscp: number | string): number | undefined {
  return typeof dscp === 'number' ? dscp << 2 : tosBytes()[dscp.toLowerCase()];
}

/** One setsockopt(2). */
interface Setting {
  /** Our option that it belongs to, for errors. */
  readonly option: keyof SocketOptions;
  readonly level: number;
  readonly name: number | undefined;
  readonly value: number | Buffer;
}

/** Option numbers by platform (the systems' headers); undefined where the platform does not have the option. */
interface Names {
  readonly TCP_KEEPIDLE: number;
  readonly TCP_KEEPINTVL: number;
  readonly TCP_KEEPCNT: number;
  readonly IP_TOS: number;
  readonly IPV6_TCLASS: number;
  readonly SO_MARK: number | undefined;
  readonly SO_BINDTODEVICE: number | undefined;
  readonly IP_BOUND_IF: number | undefined;
  readonly IPV6_BOUND_IF: number | undefined;
  readonly TCP_USER_TIMEOUT: number | undefined;
  readonly TCP_FASTOPEN_CONNECT: number | undefined;
  readonly TCP_QUICKACK: number | undefined;
  readonly SO_REUSEADDR: number;
}

const NONE = {
  SO_MARK: undefined,
  SO_BINDTODEVICE: undefined,
  IP_BOUND_IF: undefined,
  IPV6_BOUND_IF: undefined,
  TCP_USER_TIMEOUT: undefined,
  TCP_FASTOPEN_CONNECT: undefined,
  TCP_QUICKACK: undefined,
} as const;

const LINUX: Names = {
  ...NONE,
  TCP_KEEPIDLE: 4,
  TCP_KEEPINTVL: 5,
  TCP_KEEPCNT: 6,
  IP_TOS: 1,
  IPV6_TCLASS: 67,
  SO_MARK: 36,
  SO_BINDTODEVICE: 25,
  TCP_USER_TIMEOUT: 18,
  TCP_FASTOPEN_CONNECT: 30,
  TCP_QUICKACK: 12,
  SO_REUSEADDR: 2,
};

const NAMES: Readonly<Record<PlatformName, Names>> = {
  'linux-glibc': LINUX,
  'linux-musl': LINUX,
  darwin: {
    ...NONE,
    TCP_KEEPIDLE: 0x10,
    TCP_KEEPINTVL: 0x101,
    TCP_KEEPCNT: 0x102,
    IP_TOS: 3,
    IPV6_TCLASS: 36,
    IP_BOUND_IF: 25,
    IPV6_BOUND_IF: 125,
    SO_REUSEADDR: 4,
  },
  freebsd: {
    ...NONE,
    TCP_KEEPIDLE: 256,
    TCP_KEEPINTVL: 512,
    TCP_KEEPCNT: 1024,
    IP_TOS: 3,
    IPV6_TCLASS: 61,
    SO_REUSEADDR: 4,
  },
};

const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const TCP_NODELAY = 1;

/**
 * Acknowledges at once what was received, and says whether it could: TCP on Linux only. A proxy that sends its answer in
 * pieces and has Nagle's algorithm on (RFC 1122 §4.2.3.4) holds the next piece back until then. From our first answer on, the
 * kernel would wait 40 ms; before, it acknowledges at once by itself. It forgets the option again (tcp(7), TCP_QUICKACK), so
 * this is called after each read.
 */
export function acknowledgeAtOnce(fd: number, sys: Sys): boolean {
  const name = NAMES[sys.platform.name].TCP_QUICKACK;
  if (name === undefined) return false;
  try {
    sys.setsockopt(fd, IPPROTO_TCP, name, 1);
    return true;
  } catch {
    return false;
  }
}

/** Sets the options on a socket that is not yet connected. @throws FdpassError that names the option, why and what it needs. */
export function applySocketOptions(fd: number, family: 4 | 6, options: SocketOptions, sys: Sys): void {
  for (const setting of settingsOf(family, options, sys)) applySetting(fd, setting, sys);
}

function applySetting(fd: number, { option, level, name, value }: Setting, sys: Sys): void {
  if (name === undefined) throw new FdpassError('config', `option "${option}" is not supported on ${process.platform}`);
  try {
    sys.setsockopt(fd, level, name, value);
  } catch (error) {
    throw optionError(option, error);
  }
}

const NEEDS: Readonly<Partial<Record<keyof SocketOptions, string>>> = {
  mark: 'run it as root or with CAP_NET_ADMIN',
  bindInterface: 'run it as root or with CAP_NET_RAW, or with a kernel of 5.7 or later',
};

/** A system call that an option needed failed. */
export function optionError(option: keyof SocketOptions, error: unknown): FdpassError {
  const isDenied = ['EPERM', 'EACCES'].includes(errnoName(error) ?? '');
  return new FdpassError(isDenied ? 'permission' : 'config', `option "${option}": ${reasonOf(error)}`, {
    hint: isDenied ? NEEDS[option] : undefined,
    cause: error,
  });
}

function settingsOf(family: 4 | 6, options: SocketOptions, sys: Sys): Setting[] {
  const { platform } = sys;
  const names = NAMES[platform.name];
  const { SOL_SOCKET, SO_KEEPALIVE, SO_SNDBUF, SO_RCVBUF } = platform.constants;
  const settings: Setting[] = [];
  const set = (
    option: keyof SocketOptions,
    level: number,
    name: number | undefined,
    value: number | Buffer | undefined,
  ): void => {
    if (value !== undefined) settings.push({ option, level, name, value });
  };
  const { keepAlive, noDelay, dscp, mark, bindInterface, fastOpen, userTimeout, sendBuffer, receiveBuffer } = options;
  set('keepAlive', SOL_SOCKET, SO_KEEPALIVE, keepAlive === undefined ? undefined : Number(keepAlive !== false));
  if (typeof keepAlive === 'object') {
    set('keepAlive', IPPROTO_TCP, names.TCP_KEEPIDLE, seconds(keepAlive.idle));
    set('keepAlive', IPPROTO_TCP, names.TCP_KEEPINTVL, seconds(keepAlive.interval));
    set('keepAlive', IPPROTO_TCP, names.TCP_KEEPCNT, keepAlive.count);
  }
  set('noDelay', IPPROTO_TCP, TCP_NODELAY, noDelay === undefined ? undefined : Number(noDelay));
  const [ipLevel, tos] = family === 6 ? [IPPROTO_IPV6, names.IPV6_TCLASS] : [IPPROTO_IP, names.IP_TOS];
  set('dscp', ipLevel, tos, dscp === undefined ? undefined : tosByte(dscp));
  set('mark', SOL_SOCKET, names.SO_MARK, mark);
  if (bindInterface !== undefined) settings.push(interfaceSetting(bindInterface, family, names, sys));
  if (fastOpen === true) set('fastOpen', IPPROTO_TCP, names.TCP_FASTOPEN_CONNECT, 1);
  set('userTimeout', IPPROTO_TCP, names.TCP_USER_TIMEOUT, userTimeout);
  set('sendBuffer', SOL_SOCKET, SO_SNDBUF, sendBuffer);
  set('receiveBuffer', SOL_SOCKET, SO_RCVBUF, receiveBuffer);
  if (options.bindPort !== undefined) set('bindPort', SOL_SOCKET, names.SO_REUSEADDR, 1); // a port still in TIME_WAIT may be taken again
  return settings;
}

function interfaceSetting(name: string, family: 4 | 6, names: Names, { platform, interfaceIndex }: Sys): Setting {
  if (names.IP_BOUND_IF === undefined)
    return {
      option: 'bindInterface',
      level: platform.constants.SOL_SOCKET,
      name: names.SO_BINDTODEVICE,
      value: Buffer.from(`${name}\0`),
    };
  const index = interfaceIndex(name);
  if (index === undefined)
    throw new FdpassError('config', 'option "bindInterface": there is no interface of this name');
  return family === 6
    ? { option: 'bindInterface', level: IPPROTO_IPV6, name: names.IPV6_BOUND_IF, value: index }
    : { option: 'bindInterface', level: IPPROTO_IP, name: names.IP_BOUND_IF, value: index };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.max(1, Math.round(ms / 1000));
}
