import { oneLine } from '../ground/text.js';
import type { Trace } from '../ground/trace.js';

/** The most that is shown of a line: the other side can send whatever it likes. */
const MAX_SHOWN = 200;

/**
 * Says what a handshake sends and receives, in words for people. Nothing in it may be a secret. Control characters are taken
 * out, and long lines are cut.
 */
export interface HandshakeReport {
  /** Whether nobody listens, so that nothing has to be put into words. */
  readonly isQuiet: boolean;
  /** A message has gone out; `details` are further lines of it. */
  sent(text: string, details?: readonly string[]): void;
  /** As {@link sent}, for one that has arrived. */
  received(text: string, details?: readonly string[]): void;
}

/** A report to nobody. */
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
