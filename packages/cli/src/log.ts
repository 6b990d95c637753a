import { writeSync } from 'node:fs';
import {
  FdpassError,
  fromSystemError,
  isFdpassError,
  oneLine,
  reasonOf,
  systemClock,
  type Trace,
  type TraceEvent,
} from '@fdpass/core';
import { openLog } from '@fdpass/core/host';
import { writeStderr } from './stderr.js';

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

/**
 * A trace that writes to stderr and a file. Either one is given up at its first failure, which the other reports in one
 * line: a pipe that broke or a full disk never costs the connection.
 *
 * @throws FdpassError `usage` if the file cannot be opened.
 */
export function makeLog({ verbosity, file }: LogOptions): Trace {
  const toStderr = untilBroken(writeStderr, (why) => toFile(`stderr is given up: ${why}`));
  const toFile = untilBroken(fileWriter(file), (why) => toStderr(`fdpass: the log ${file} ends here: ${why}`));
  toFile(`fdpass started, pid ${process.pid}`);
  const started = systemClock.now();
  return (event) => {
    // What a command says on its stderr is for the user as it is.
    if (event.event === 'output') toStderr(event.text);
    if (verbosity >= 2 || (verbosity === 1 && MAIN_EVENTS.has(event.event))) {
      const seconds = ((systemClock.now() - started) / 1000).toFixed(3);
      toStderr(`fdpass: [${seconds}] ${formatEvent(event)}`);
    }
    if (file !== undefined) toFile(formatEvent(event));
  };
}

type Write = (line: string) => void;

/** Writes until that fails, then says why and no longer tries. */
function untilBroken(write: Write, say: (why: string) => void): Write {
  let isBroken = false;
  return (line) => {
    if (isBroken) return;
    try {
      write(line);
    } catch (error) {
      isBroken = true;
      say(reasonOf(error));
    }
  };
}

/** Appends lines with the time of day and our process id. */
function fileWriter(file: string | undefined): Write {
  if (file === undefined) return () => {};
  const fd = openLogFile(file);
  return (line) => void writeSync(fd, `${new Date().toISOString()} [${process.pid}] ${line}\n`);
}

function openLogFile(file: string): number {
  try {
    return openLog(file);
  } catch (error) {
    if (!isFdpassError(error)) throw fromSystemError(error, `cannot write the log ${file}`);
    throw new FdpassError('usage', error.message, { hint: 'choose another file with --log', cause: error });
  }
}

/** An event as a line: its name, then its details as `key=value`. */
function formatEvent({ event, ...details }: TraceEvent): string {
  const words = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return oneLine([event, ...words].join(' '));
}
