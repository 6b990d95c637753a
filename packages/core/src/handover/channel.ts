import { fstatSync, statSync } from 'node:fs';
import { FdpassError } from '../ground/errors.js';
import { errnoName } from '../ground/system-error.js';
import { isUnixSocket } from '../sys/fd-info.js';
import { loadSys } from '../sys/koffi.js';

/** How a result is given away: the descriptor itself, or copied bytes. */
export type Handover = 'descriptor' | 'relay';

/** What a descriptor is, as far as a hand-over cares. */
export type ChannelKind = 'socket' | 'pipe' | 'terminal' | 'file' | 'closed' | 'other';

/** A cheap look at what `fd` is (fstat(2)); a closed one was reopened by Node as /dev/null and counts as closed. */
export function channelKind(fd: number): ChannelKind {
  try {
    const stat = fstatSync(fd);
    if (stat.isSocket()) return 'socket';
    if (stat.isFIFO()) return 'pipe';
    if (stat.isFile()) return 'file';
    if (!stat.isCharacterDevice()) return 'other';
    return stat.rdev === statSync('/dev/null').rdev ? 'closed' : 'terminal';
  } catch (error) {
    if (errnoName(error) === 'EBADF') return 'closed';
    throw error;
  }
}

const STDIN = 0;

const WRONG_CHANNEL: Readonly<Record<Exclude<ChannelKind, 'socket' | 'pipe'>, readonly [what: string, hint: string]>> =
  {
    terminal: [
      'is a terminal',
      'run it as a ProxyCommand of ssh with ProxyUseFdpass yes, or add --stdio to relay bytes',
    ],
    file: ['is a file', 'a descriptor cannot be passed to a file; add --stdio to write the bytes there'],
    closed: ['is closed or /dev/null', 'give it a socket (ProxyUseFdpass yes) or a pipe'],
    other: ['is neither a socket nor a pipe', 'run it as a ProxyCommand of ssh'],
  };

/**
 * The hand-over that suits `fd`: the descriptor if it is a unix socket, a relay if it is a pipe or another socket.
 *
 * A unix socket is taken for a pipe if `input` is another one: ssh and its like give one socket as both, whereas some
 * programs (all those that start children with Node) make their pipes of socket pairs and expect bytes.
 *
 * @param asked What the user forced, if anything.
 * @throws FdpassError `usage` with the fix, for a terminal, a file or nothing at all.
 */
export async function chooseHandover(fd: number, asked?: Handover, input: number = STDIN): Promise<Handover> {
  const kind = channelKind(fd);
  if (asked === 'relay') {
    if (kind !== 'closed') return 'relay';
    throw wrongChannel(kind);
  }
  if (kind === 'socket' && isUnixSocket(fd, await loadSys())) {
    return asked === 'descriptor' || !isOtherSocket(input, fd) ? 'descriptor' : 'relay';
  }
  if (asked === 'descriptor') {
    throw new FdpassError('usage', 'stdout is no unix socket, so no descriptor can be passed', {
      hint: 'set ProxyUseFdpass yes in ssh_config, or leave out --fdpass',
    });
  }
  if (kind === 'socket' || kind === 'pipe') return 'relay';
  throw wrongChannel(kind);
}

function wrongChannel(kind: keyof typeof WRONG_CHANNEL): FdpassError {
  const [what, hint] = WRONG_CHANNEL[kind];
  return new FdpassError('usage', `stdout ${what}`, { hint });
}

/** Whether `fd` is a socket, and not the very one that `other` is. */
function isOtherSocket(fd: number, other: number): boolean {
  return channelKind(fd) === 'socket' && fstatSync(fd).ino !== fstatSync(other).ino;
}
