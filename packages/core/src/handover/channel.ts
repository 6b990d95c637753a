import { closeSync, createWriteStream, fstatSync, openSync, type Stats, statSync, write } from 'node:fs';
import type { Duplex, Readable, Writable } from 'node:stream';
import { adoptSocket } from '../connection/descriptor-stream.js';
import { FdpassError } from '../ground/errors.js';
import { errnoName, isOutOfDescriptors } from '../ground/system-error.js';
import { hasBytes, isUnixSocket, rememberModes } from '../sys/descriptors.js';
import { findSys, loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { RelaySide } from './relay.js';

/** How a connection is given away: the descriptor itself, or copied bytes. */
export type Handover = 'descriptor' | 'relay';

/** What a descriptor is, as far as a hand-over cares. */
export type ChannelKind = 'socket' | 'pipe' | 'terminal' | 'file' | 'closed' | 'other';

/** The descriptors that a connection is given away through, and how. */
export interface Channel {
  /** What the caller writes to us, and closes when it exits. */
  readonly input: number;
  /** Where the descriptor or the bytes go. */
  readonly output: number;
  /** How the connection is given away. */
  readonly as: Handover;
  /** The user asked for it. Default: the choice that suits the descriptors. */
  readonly isAsked?: boolean;
}

/** What {@link openChannel} looks at. */
export interface ChannelOptions {
  /** Default: stdin. */
  readonly input?: number | undefined;
  /** Default: stdout. */
  readonly output?: number | undefined;
  /** What the user asked for. Default: what suits the descriptors. */
  readonly as?: Handover | undefined;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** A cheap look at what `fd` is (fstat(2)). A closed one was reopened by Node as /dev/null and counts as closed. */
export function channelKind(fd: number): ChannelKind {
  return kindOf(fd, statOf(fd));
}

/** Undefined for a descriptor that is closed. */
function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch (error) {
    if (errnoName(error) === 'EBADF') return undefined;
    throw error;
  }
}

function kindOf(fd: number, stat: Stats | undefined): ChannelKind {
  if (stat === undefined) return 'closed';
  if (stat.isSocket()) return 'socket';
  if (stat.isFIFO()) return 'pipe';
  if (stat.isFile()) return 'file';
  if (!stat.isCharacterDevice()) return 'other';
  nullDevice ??= statSync('/dev/null').rdev;
  if (stat.rdev === nullDevice) return 'closed';
  // Nothing can wait for a device such as /dev/zero, and koffi ends the process that tries.
  return process.getBuiltinModule('node:tty').isatty(fd) ? 'terminal' : 'other';
}

/** The number of /dev/null. */
let nullDevice: number | undefined;

interface Refusal {
  readonly what: string;
  readonly hint: string;
}

const WRONG_CHANNEL: Readonly<Record<Exclude<ChannelKind, 'socket' | 'pipe'>, Refusal>> = {
  terminal: {
    what: 'is a terminal, to which no connection can be passed',
    hint: 'run it as a ProxyCommand of ssh with ProxyUseFdpass yes, or add --stdio to relay bytes',
  },
  file: { what: 'is a file, to which no connection can be passed', hint: 'add --stdio to write the bytes there' },
  closed: { what: 'is closed or /dev/null', hint: 'give it a socket (ProxyUseFdpass yes) or a pipe' },
  other: { what: 'is neither a socket nor a pipe', hint: 'run it as a ProxyCommand of ssh' },
};

/**
 * Looks at the descriptors and decides on the hand-over: the descriptor if the output is a unix socket, a relay if it is
 * a pipe or another socket. Opens and reads nothing.
 *
 * A unix socket is taken for a pipe if the input is a different one: ssh and its like give one socket as both, whereas
 * some programs (all those that start children with Node) make their pipes of socket pairs and expect bytes. It is also
 * taken for a pipe if the caller has written to it, as libssh does ({@link expectsBytes}).
 *
 * @throws FdpassError `usage` with the fix, for a terminal, a file or nothing at all.
 */
export function openChannel({ input = STDIN, output = STDOUT, as }: ChannelOptions = {}): Channel {
  return { input, output, as: chooseHandover(input, output, as), isAsked: as !== undefined };
}

function chooseHandover(input: number, output: number, asked: Handover | undefined): Handover {
  const outputStat = statOf(output);
  const kind = kindOf(output, outputStat);
  if (asked === 'relay') {
    if (kind !== 'closed') return 'relay';
    throw wrongChannel(kind);
  }
  if (kind === 'socket' && isUnixSocket(output, loadSys())) {
    if (asked === 'descriptor') return 'descriptor';
    const inputStat = statOf(input);
    const isOther = inputStat?.ino !== outputStat?.ino;
    const isPipe = kindOf(input, inputStat) === 'socket' && (isOther || hasBytes(input, loadSys()));
    return isPipe ? 'relay' : 'descriptor';
  }
  if (asked === 'descriptor') {
    throw new FdpassError('usage', 'stdout is not a unix socket, so no descriptor can be passed', {
      hint: 'set ProxyUseFdpass yes in ssh_config, or leave out --fdpass',
    });
  }
  if (kind === 'socket' || kind === 'pipe') return 'relay';
  throw wrongChannel(kind);
}

function wrongChannel(kind: keyof typeof WRONG_CHANNEL): FdpassError {
  const { what, hint } = WRONG_CHANNEL[kind];
  return new FdpassError('usage', `stdout ${what}`, { hint });
}

/**
 * Whether the caller turns out to want bytes. OpenSSH writes nothing before it has the descriptor. libssh, and with it
 * Remmina, KDE and wezterm, give one socket as stdin and stdout too, but write their greeting to it at once.
 */
export function expectsBytes({ input, isAsked = false }: Channel): boolean {
  return !isAsked && hasBytes(input, loadSys());
}

/** The channel's descriptors as one side of a relay. */
export function channelStreams({ input, output }: Channel): RelaySide {
  if (input !== output) return { readable: inputStream(input), writable: outputStream(output) };
  const socket = adoptSocket(input);
  return { readable: socket, writable: socket };
}

function inputStream(fd: number): Readable {
  return fd === STDIN ? process.stdin : nodeSocket({ fd, readable: true, writable: false });
}

/**
 * A stream that writes to a descriptor of any kind and owns it. Node writes to a pipe on stdout synchronously, which would
 * stop the other direction whenever the reader is slow; and it drops what a file on stdout does not take at once.
 */
export function outputStream(fd: number): Writable {
  const kind = channelKind(fd);
  if (kind === 'pipe') return pipeStream(fd);
  if (kind === 'socket') return nodeSocket({ fd, readable: false, writable: true });
  if (kind === 'terminal')
    return fd === STDOUT ? process.stdout : new (process.getBuiltinModule('node:tty').WriteStream)(fd);
  return createWriteStream('', fd > STDERR ? { fd } : { fd, fs: { write, close: (_, done) => done() } });
}

/** A stream that, when it closes, gives the pipe its mode back and closes it: its reader waits for that. */
function pipeStream(fd: number): Writable {
  const sys = findSys();
  if (sys === undefined) return nodeSocket({ fd, readable: false, writable: true });
  const own = fd <= STDERR ? fd : sys.dup(fd); // Node closes any other descriptor before we can look at it
  const restoreMode = rememberModes([own], sys); // before Node changes it
  return nodeSocket({ fd, readable: false, writable: true }).once('close', () => {
    restoreMode();
    closeOutput(own, sys);
  });
}

/** Closes a pipe. /dev/null takes the place of a standard stream, so that no file opened later becomes it. */
export function closeOutput(fd: number, sys: Sys): void {
  if (fd > STDERR) {
    sys.close(fd);
    return;
  }
  try {
    const nothing = openSync('/dev/null', 'w');
    sys.replace(fd, nothing);
    closeSync(nothing);
  } catch (error) {
    if (!isOutOfDescriptors(error)) throw error;
    sys.close(fd);
    openSync('/dev/null', 'w'); // gets the number that was just freed
  }
}

function nodeSocket(options: { fd: number; readable: boolean; writable: boolean }): Duplex {
  const { Socket } = process.getBuiltinModule('node:net'); // a descriptor that is passed needs no streams
  return new Socket(options);
}
