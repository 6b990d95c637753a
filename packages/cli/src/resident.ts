import { formatError } from '@fdpass/core';
import { openNoInspector } from './no-inspector.js';
import { writeStderr } from './stderr.js';

/** Prepares a process that serves many connections: neither one of them nor another user of the machine can end, stop or delay it. */
export function serveMany(): void {
  widenThreadPool();
  openNoInspector();
  // An error that nobody waits for, such as a plugin's own, belongs to one dial and must not end the others.
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => complain(formatError(error)));
}

/** As many as the look-ups that can be under way. */
const THREADS = 64;

/**
 * Gives look-ups threads enough. libuv has four, and each look-up that a name server does not answer holds one for as long as the
 * resolver has patience: two hosts whose names only a VPN knows would hold up the look-ups of all others.
 */
function widenThreadPool(): void {
  const { env } = process;
  if (env['UV_THREADPOOL_SIZE'] !== undefined) return;
  env['UV_THREADPOOL_SIZE'] = String(THREADS);
  process.getBuiltinModule('node:fs').stat('/', () => {}); // libuv reads it when it starts the threads, which is now
  delete env['UV_THREADPOOL_SIZE']; // it is not meant for programs that we run
}

/** Says something that belongs to no connection. */
export function complain(line: string): void {
  try {
    writeStderr(`fdpass: ${line}`);
  } catch {
    // Nobody reads it.
  }
}

/** Resolves when a signal tells the process to end. Those that follow end it at once. */
export function untilTold(): Promise<NodeJS.Signals> {
  const names: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  return new Promise((resolve) => {
    const told = (signal: NodeJS.Signals): void => {
      process.off(signal, told);
      resolve(signal);
    };
    for (const name of names) hearSignal(name, told);
  });
}

/** Listens to a signal in place of all who did. Without any listener in between, one that comes just then would be lost. */
export function hearSignal(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
  const others = process.listeners(signal);
  process.on(signal, listener);
  for (const other of others) process.off(signal, other);
}
