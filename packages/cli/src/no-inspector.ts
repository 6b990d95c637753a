/**
 * Ignores SIGUSR1, on which Node opens its inspector, on a port that every user of the machine can reach. For processes that stay:
 * the listener takes 2 ms, too long for the start of a command that exits a moment later.
 */
export function openNoInspector(): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {});
}
