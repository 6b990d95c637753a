import { existsSync } from 'node:fs';
import { FdpassError } from '@fdpass/core';
import { readTrustedFile } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { withCode } from './error-lines.js';
import { type Failure, failureFile } from './failure.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';

/** `fdpass last-error`: shows the last connection that failed, in case its user did not see why. */
export async function lastError(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 0);
  const file = failureFile(process.env);
  const failure = file !== undefined && existsSync(file) ? readFailure(file) : undefined;
  await print(args.flag('json') ? `${JSON.stringify(failure ?? null, null, 2)}\n` : format(failure, file));
  return 0;
}

function readFailure(file: string): Failure {
  try {
    return JSON.parse(readTrustedFile(file)) as Failure;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FdpassError('config', `${file} is damaged`, { hint: 'delete it', cause });
  }
}

function format(failure: Failure | undefined, file: string | undefined): string {
  if (file === undefined) return 'no failure can be recorded: neither XDG_STATE_HOME nor HOME is an absolute path\n';
  if (failure === undefined) return `no connection has failed (${file} does not exist)\n`;
  const { time, code, message, exitStatus } = failure;
  return `${localTime(new Date(time))}, exit status ${exitStatus}\nfdpass: ${withCode(code, message)}\n`;
}

/** Such as `2026-11-28 23:20:31`, in the user's time zone. */
function localTime(time: Date): string {
  return time.toLocaleString('sv');
}
