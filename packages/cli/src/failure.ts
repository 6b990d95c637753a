import { dirname, join } from 'node:path';
import { formatError, formatHostPort, isFdpassError } from '@fdpass/core';
import { errorCodeOf, exitCodeOf, makePrivateFolder, replaceFile, stateFolder } from '@fdpass/core/host';

/** A failed connection, recorded for the user since ssh can have stderr on /dev/null. */
export interface Failure {
  /** In ISO 8601. */
  readonly time: string;
  /** What was written to stderr, without the name of the program and the code. It never holds a secret. */
  readonly message: string;
  readonly code: string;
  readonly exitStatus: number;
  /** Null if it failed before there was one. */
  readonly target: string | null;
}

/** Where the last failure is kept; undefined where the user has no place for it. */
export function failureFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const folder = stateFolder(environment);
  return folder && join(folder, 'last-error.json');
}

/** Records a failure in place of the previous one. If that is not possible, stderr has still told the user. */
export function keepFailure(error: unknown, environment: Readonly<Record<string, string | undefined>>): void {
  try {
    const file = failureFile(environment);
    if (file !== undefined && makePrivateFolder(dirname(file)))
      replaceFile(file, `${JSON.stringify(failureOf(error))}\n`);
  } catch {
    // A full disk, or a folder that cannot be written.
  }
}

function failureOf(error: unknown): Failure {
  const target = isFdpassError(error) ? error.target : undefined;
  return {
    time: new Date().toISOString(),
    message: formatError(error),
    code: errorCodeOf(error),
    exitStatus: exitCodeOf(error),
    target: target === undefined ? null : formatHostPort(target.host, target.port),
  };
}
