/**
 * For a process that stays: on SIGUSR1 Node would open its inspector, on a port that every user of the machine can reach. A command
 * that is gone in a moment does without, since this takes 2 ms.
 */
export function openNoInspector(): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {});
}
