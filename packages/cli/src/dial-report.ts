import { formatError, formatHostPort, type Trace, type TraceEvent } from '@fdpass/core';
import { type Route, stackOf } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { LeftToCommand } from './left-to-command.js';
import type { Log, LogOptions } from './log.js';
import type { Place } from './place.js';
import { untilBroken } from './stderr.js';

/** Reports a dial to the user and to the log. */
export interface DialReport {
  readonly trace: Trace;
  route(route: Route): void;
  /** Called before another process dials, which can ask for a password. */
  pause(): void;
}

/** Dials, and reports that to the user and to the log, failures included. */
export async function reportDial<T>(
  { write, waiting: line }: Pick<Place, 'write' | 'waiting'>,
  args: Arguments,
  dial: (report: DialReport) => Promise<T>,
): Promise<T> {
  const verbosity = args.count('verbose');
  const { trace: log, close } = await startLog({ verbosity, file: args.value('log'), write });
  const waiting = verbosity === 0 ? line : undefined; // with -v the user is told anyway
  const trace = (event: TraceEvent): void => {
    waiting?.hear(event);
    log(event);
  };
  const route = ({ target, reason, chain }: Route): void =>
    trace({ event: 'route', target: formatHostPort(target.host, target.port), reason, chain: chain.label });
  try {
    return await dial({ trace, route, pause: () => waiting?.end() });
  } catch (error) {
    trace(eventOf(error)); // the log may be all that the user ever sees
    throw error;
  } finally {
    close();
  }
}

/** The log that was asked for. Without one the user still sees the stderr of a command, unchanged. */
async function startLog({ verbosity, file, write }: LogOptions): Promise<Log> {
  if (verbosity > 0 || file !== undefined) return (await import('./log.js')).makeLog({ verbosity, file, write });
  const toStderr = untilBroken(write, () => {});
  return { trace: (event) => void (event.event === 'output' && toStderr(event.text)), close() {} };
}

function eventOf(error: unknown): TraceEvent {
  if (error instanceof LeftToCommand)
    return { event: 'note', text: `the agent leaves this to the command: ${error.message}` };
  return { event: 'failed', error: formatError(error), stack: stackOf(error) };
}
