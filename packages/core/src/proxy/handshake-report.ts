import { oneLine } from '../ground/text.js';
import type { Trace } from '../ground/trace.js';

/** How much of a line is shown at most, since the other side can send anything. */
const MAX_SHOWN = 200;

/**
 * Says what a handshake sends and receives, in words for people. Nothing in it may be a secret. Control characters are taken
 * out, and long lines are cut.
 */
export interface HandshakeReport {
  /** Whether nobody listens, so that no text has to be made. */
  readonly isQuiet: boolean;
  /** A message has gone out; `details` are further lines of it. */
  sent(text: string, details?: readonly string[]): void;
  /** As {@link sent}, for one that has arrived. */
  received(text: string, details?: readonly string[]): void;
}

/** A report that nobody receives. */
const noReport: HandshakeReport = { isQuiet: true, sent() {}, received() {} };

/** A report that goes to the trace of a dial. */
export function handshakeReport(trace: Trace): HandshakeReport {
  if (trace.isQuiet === true) return noReport;
  const report =
    (event: 'sent' | 'received') =>
    (text: string, details: readonly string[] = []): void =>
      trace({ event, text: shown(text), ...(details.length > 0 && { details: details.map(shown) }) });
  return { isQuiet: false, sent: report('sent'), received: report('received') };
}

function shown(line: string): string {
  const text = oneLine(line);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
