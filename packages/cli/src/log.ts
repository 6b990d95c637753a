import { appendFileSync } from 'node:fs';
import { FdpassError, oneLine, reasonOf, systemClock, type Trace, type TraceEvent } from '@fdpass/core';

/** Events that a single -v shows; the rest needs -vv or a log file. */
const MAIN_EVENTS = new Set([
  'route',
  'dial',
  'resolve',
  'connected',
  'attempt-failed',
  'try-failed',
  'handed-over',
  'note',
]);

export interface LogOptions {
  /** 0: nothing on stderr; 1: the main events; 2 and more: all of them. */
  readonly verbosity: number;
  /** All events are appended here, with the time of day and our process id. */
  readonly file?: string | undefined;
}

/** A trace that writes to stderr and a file. @throws FdpassError `usage` if the file cannot be written. */
export function makeLog({ verbosity, file }: LogOptions): Trace {
  if (file !== undefined) append(file, `fdpass started, pid ${process.pid}`);
  const started = systemClock.now();
  return (event) => {
    // What a command says on its stderr is for the user as it is.
    if (event.event === 'output') process.stderr.write(`${event.text}\n`);
    if (verbosity >= 2 || (verbosity === 1 && MAIN_EVENTS.has(event.event))) {
      const seconds = ((systemClock.now() - started) / 1000).toFixed(3);
      process.stderr.write(`fdpass: [${seconds}] ${formatEvent(event)}\n`);
    }
    if (file !== undefined) append(file, formatEvent(event));
  };
}

function append(file: string, line: string): void {
  try {
    appendFileSync(file, `${new Date().toISOString()} [${process.pid}] ${line}\n`, { mode: 0o600 });
  } catch (error) {
    throw new FdpassError('usage', `cannot write the log ${file}: ${reasonOf(error)}`, {
      hint: 'choose another file with --log',
    });
  }
}

/** An event as a line: its name, then its details as `key=value`. */
function formatEvent({ event, ...details }: TraceEvent): string {
  const words = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return oneLine([event, ...words].join(' '));
}
