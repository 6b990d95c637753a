import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { FdpassError, fromSystemError, reasonOf } from '@fdpass/core';
import { isOutOfDescriptors } from '@fdpass/core/host';

/** How a command ended. */
export interface Exit {
  /** 128 + N if signal N ended it, as a shell has it. */
  readonly status: number;
  /** What ended it; null if it exited. */
  readonly signal: NodeJS.Signals | null;
  /** In words. */
  readonly how: string;
}

/** Starts a command. What the system refuses, {@link exitOf} tells. @throws FdpassError `usage` if its name is empty. */
export function startCommand(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (command === '') throw cannotRun(new Error('its name is empty'));
  return spawn(command, args, options);
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
  const what = 'cannot run the command';
  if (isOutOfDescriptors(cause)) return fromSystemError(cause, what);
  return new FdpassError('usage', `${what}: ${reasonOf(cause)}`, { cause });
}
