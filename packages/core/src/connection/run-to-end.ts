import { type Clock, formatMs, withWaited } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { messageOf, oneLine } from '../ground/text.js';
import type { Trace } from '../ground/trace.js';
import { Child, type ChildEnd, type ChildRequest, untilExit } from './child.js';
import { ChildOutput, withLastWords } from './child-output.js';

/** A program that does something for a dial and ends. */
export interface RunRequest extends ChildRequest {
  /** Milliseconds that it can take; 0 means no limit. Default: only the limit of the dial. */
  readonly timeoutMs?: number | undefined;
}

interface Context {
  readonly signal: AbortSignal;
  readonly trace: Trace;
  readonly clock: Clock;
}

/**
 * Runs a program until it exits with status 0. It has no stdin; what it says on stdout and stderr is reported as `output`. What
 * it has left in the background keeps running, but whatever that prints is dropped. On abort and failure it is killed with
 * all that it has started.
 *
 * @throws FdpassError `config` if it cannot be run, `timeout` if it takes too long, `unreachable` if it fails; the signal's
 *   reason on abort.
 */
export async function runToEnd(request: RunRequest, { signal, trace, clock }: Context): Promise<void> {
  signal.throwIfAborted();
  const { timeoutMs = 0 } = request;
  const startedAt = clock.now();
  const output = new ChildOutput(undefined, (text) => trace({ event: 'output', text: oneLine(text) }));
  const start = (): Child => Child.start(request, ['ignore', output.fd, output.fd]);
  const late = (): FdpassError => lateError(request, timeoutMs);
  trace({ event: 'run', program: nameOf(request) });
  try {
    await untilExit(start, { timeoutMs, late, signal, clock }, checkStatus);
    output.finish();
    trace({ event: 'run-ended', program: nameOf(request), ms: clock.now() - startedAt });
  } catch (error) {
    output.finish();
    if (signal.aborted) throw withWaited(signal.reason, `${nameOf(request)} has not ended`, TRY);
    const failure = withLastWords(error, output);
    trace({ event: 'run-failed', program: nameOf(request), ms: clock.now() - startedAt, reason: messageOf(failure) });
    throw failure;
  } finally {
    output.close();
  }
}

const TRY = 'run it yourself to see what it waits for, or allow more time ("timeout")';

function nameOf({ argv: [program = ''] }: RunRequest): string {
  return JSON.stringify(program);
}

function checkStatus({ program, status, signal }: ChildEnd): void {
  if (status === 0) return;
  const how = signal === null ? `status ${status}` : signal;
  throw new FdpassError('unreachable', `${JSON.stringify(program)} ended with ${how}`);
}

function lateError(request: RunRequest, timeoutMs: number): FdpassError {
  return new FdpassError('timeout', `${nameOf(request)} has not ended within ${formatMs(timeoutMs)}`, {
    hint: 'give it more time with "timeout"',
  });
}
