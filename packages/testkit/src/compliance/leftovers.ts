import { systemClock } from '@fdpass/core';
import { demand } from './checks.js';
import { PATIENCE_MS } from './lab.js';
import { childProcesses, openSocketsAndPipes } from './own-process.js';

/** What a process may have left: a line for each. */
function resources(): string[] {
  return [
    ...openSocketsAndPipes(),
    ...process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind === 'Immediate'),
    ...childProcesses().map((pid) => `process ${pid}`),
  ];
}

/** What is there when nothing is under way any more: connections that were cut take a moment to be gone. */
export async function resourcesAtRest(): Promise<string[]> {
  let found = resources();
  for (let isCalm = false; !isCalm; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = resources();
    isCalm = leftOf(found, now).length === 0 && leftOf(now, found).length === 0;
    found = now;
  }
  return found;
}

/** Waits until there is nothing that was not in `before`. @throws with what is left. */
export async function untilNothingIsLeft(before: readonly string[]): Promise<void> {
  const started = systemClock.now();
  for (;;) {
    const left = leftOf(resources(), before);
    if (left.length === 0) return;
    const isOver = systemClock.now() - started > PATIENCE_MS;
    demand(
      !isOver,
      `left behind: ${left.join('; ')}`,
      'destroy what you opened, stop your timers, end your processes (unless the server of start() has left it)',
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What is in `now` and was not in `before`, each as often as it is there. */
function leftOf(now: readonly string[], before: readonly string[]): string[] {
  const known = [...before];
  return now.filter((entry) => {
    const index = known.indexOf(entry);
    if (index !== -1) known.splice(index, 1);
    return index === -1;
  });
}
