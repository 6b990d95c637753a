import { Socket } from 'node:net';
import { channelKind, FdpassError, loadSys, type RelaySide } from '@fdpass/core';

const STDIN = 0;
const STDOUT = 1;

/**
 * Aborts when the program that asked for the connection is gone. ssh gives its ProxyCommand one end of a
 * socketpair as stdin; nothing is ever sent over it, and its end of file is the only sign that ssh died.
 * Watches until the process ends; reads only what nobody should have sent.
 */
export async function watchForGoneParent(controller: AbortController): Promise<void> {
  if (channelKind(STDIN) !== 'socket') return;
  const sys = await loadSys();
  await sys.wait(STDIN, 'readable');
  const gone = (): void =>
    controller.abort(new FdpassError('unreachable', 'the program that wanted this connection is gone'));
  if (sys.isAtEnd(STDIN)) return gone();
  new Socket({ fd: STDIN, writable: false }).on('error', gone).once('end', gone).resume();
}

/** Our stdin and stdout as one side of a relay. */
export function openStdio(): RelaySide {
  // Node writes to a pipe on stdout synchronously, which would stop the other direction whenever the reader is slow.
  const isAsync = ['pipe', 'socket'].includes(channelKind(STDOUT));
  const stdout = isAsync ? new Socket({ fd: STDOUT, readable: false, writable: true }) : process.stdout;
  return { readable: process.stdin, writable: stdout };
}
