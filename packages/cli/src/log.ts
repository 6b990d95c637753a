import { closeSync, writeSync } from 'node:fs';
import {
  type DialMark,
  FdpassError,
  fromSystemError,
  isFdpassError,
  oneLine,
  systemClock,
  type Trace,
  type TraceEvent,
} from '@fdpass/core';
import { openLog } from '@fdpass/core/host';
import { stackLines } from './error-lines.js';
import { Progress } from './progress.js';
import { untilBroken, type WriteLine } from './stderr.js';

export interface LogOptions {
  /** 0: nothing on stderr; 1: the main events; 2 and more: all of them. */
  readonly verbosity: number;
  /** All events are appended here, with the time of day and our process id. */
  readonly file?: string | undefined;
  /** Writes to stderr. */
  readonly write: WriteLine;
}

/** Where a dial is reported. */
export interface Log {
  readonly trace: Trace;
  /** Closes the file. */
  close(): void;
}

/**
 * A log that writes to stderr and a file. Either one is given up at its first failure, which the other reports in one
 * line: a pipe that broke or a full disk never costs the connection.
 *
 * @throws FdpassError `usage` if the file cannot be opened.
 */
export function makeLog({ verbosity, file, write }: LogOptions): Log {
  const fd = file === undefined ? undefined : openLogFile(file);
  const toStderr = untilBroken(write, (why) => toFile(`stderr is given up: ${why}`));
  const toFile = untilBroken(fileWriter(fd), (why) => toStderr(`fdpass: the log ${file} ends here: ${why}`));
  toFile(`fdpass started, pid ${process.pid}`);
  const progress = new Progress(verbosity, () => systemClock.now());
  const trace: Trace = (event) => {
    // The user sees the stderr of a command unchanged.
    if (event.event === 'output') toStderr(event.text);
    if (verbosity > 0) for (const line of progress.linesOf(event)) toStderr(`fdpass: ${line}`);
    if (fd === undefined) return;
    for (const line of formatEvent(event)) toFile(line);
    // On stderr the stack follows the error that ends the command.
    if (event.event === 'failed') for (const line of stackLines(event.stack)) toFile(line);
  };
  return { trace, close: () => fd !== undefined && closeSync(fd) };
}

/** Appends lines with the time of day and our process id. */
function fileWriter(fd: number | undefined): WriteLine {
  if (fd === undefined) return () => {};
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

/** An event as a line: its name, then its details as `key=value`. Only an error of several routes has more lines. */
function formatEvent({ event, ...details }: TraceEvent): string[] {
  const words = Object.entries(details)
    .filter(([key, value]) => value !== undefined && key !== 'stack')
    .map(([key, value]) => `${key}=${formatDetail(key, value)}`);
  const text = [event, ...words].join(' ');
  return event === 'failed' ? text.split('\n') : [oneLine(text)];
}

/** Fractions of a millisecond only make the line harder to read, and a hop's number is enough to tell it from others. */
function formatDetail(key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (key === 'within') return String((value as DialMark).id);
  return key === 'ms' && typeof value === 'number' ? String(Math.round(value)) : JSON.stringify(value);
}
