import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { FdpassError, reasonOf } from '@fdpass/core';

/** How a command ended. */
export interface Exit {
  /** 128 + N if signal N ended it, as a shell has it. */
  readonly status: number;
  /** What ended it; null if it exited. */
  readonly signal: NodeJS.Signals | null;
  /** In words. */
  readonly how: string;
}

/** Resolves when a command has ended. @throws FdpassError `usage` if it could not be started. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(cannotRun(cause)));
    child.once('exit', (code, signal) => {
      if (signal === null) resolve({ status: code ?? 0, signal, how: `exited with status ${code}` });
      else resolve({ status: 128 + constants.signals[signal], signal, how: `was ended by ${signal}` });
    });
  });
}

/** The error for a command of the user's that cannot be run. */
export function cannotRun(cause: unknown): FdpassError {
  return new FdpassError('usage', `cannot run the command: ${reasonOf(cause)}`, { cause });
}
