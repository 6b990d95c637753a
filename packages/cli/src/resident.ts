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
