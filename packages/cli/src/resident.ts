import { formatError } from '@fdpass/core';
import { writeStderr } from './stderr.js';

/** Prepares a process that serves many connections: neither one of them nor another user of the machine can end or stop it. */
export function serveMany(): void {
  process.on('SIGUSR1', () => {}); // Node would open its inspector, on a port that every user of the machine can reach
  // An error that nobody waits for, such as a plugin's own, belongs to one dial and must not end the others.
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => complain(formatError(error)));
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
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.removeAllListeners(signal).once(signal, resolve);
  });
}
