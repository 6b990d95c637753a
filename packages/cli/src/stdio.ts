import { Socket } from 'node:net';
import { channelKind, FdpassError, type RelaySide } from '@fdpass/core';

const STDIN = 0;
const STDOUT = 1;

/**
 * Aborts when the program that asked for the connection is gone. ssh gives its ProxyCommand one end of a
 * socketpair as stdin; nothing is ever sent over it, and its end of file is the only sign that ssh died.
 */
export function watchForGoneParent(controller: AbortController): void {
  if (channelKind(STDIN) !== 'socket') return;
  const gone = (): void =>
    controller.abort(new FdpassError('unreachable', 'the program that wanted this connection is gone'));
  const stdin = new Socket({ fd: STDIN, writable: false });
  stdin.on('error', gone).once('end', gone).resume().unref();
}

/** Our stdin and stdout as one side of a relay. */
export function openStdio(): RelaySide {
  // Node writes to a pipe on stdout synchronously, which would stop the other direction whenever the reader is slow.
  const isAsync = ['pipe', 'socket'].includes(channelKind(STDOUT));
  const stdout = isAsync ? new Socket({ fd: STDOUT, readable: false, writable: true }) : process.stdout;
  return { readable: process.stdin, writable: stdout };
}
