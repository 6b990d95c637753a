import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { hearSignal } from '../resident.js';

/** What is sent to us for the command that we run. */
export const PASSED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** What a terminal sends to all processes in its foreground. A second one makes many programs end at once. */
const OF_TERMINALS: ReadonlySet<NodeJS.Signals> = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT']);

/** Signals that do not end this process, but go to a child. */
export class PassedSignals {
  #early: NodeJS.Signals[] = [];
  #child: ChildProcess | undefined;
  readonly #pass = (signal: NodeJS.Signals): void => {
    if (OF_TERMINALS.has(signal) && isInForeground()) return; // it has got one
    if (this.#child === undefined) this.#early.push(signal);
    else this.#child.kill(signal);
  };

  constructor() {
    for (const signal of PASSED) hearSignal(signal, this.#pass);
  }

  /** Those that came before are passed on, too. */
  passTo(child: ChildProcess): void {
    this.#child = child;
    for (const signal of this.#early.splice(0)) child.kill(signal);
  }

  /** From now on they end this process. */
  release(): void {
    for (const signal of PASSED) process.off(signal, this.#pass);
  }
}

/** Whether a terminal sends its signals to us, and so to our children. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // proc_pid_stat(5)
    return group === foreground;
  } catch {
    return [0, 1, 2].some((fd) => isatty(fd)); // not Linux
  }
}
