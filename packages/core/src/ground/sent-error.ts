import { type ErrorCode, type ErrorDetails, FdpassError, isFdpassError, stackOf } from './errors.js';
import { messageOf } from './text.js';

/**
 * An error as plain data, on its way from a process of ours to the one that has started it: a relay that could not dial, an agent
 * that could not listen.
 */
export interface SentError extends Omit<ErrorDetails, 'cause'> {
  /** See {@link FdpassError}. */
  readonly code: ErrorCode;
  /** Its message without what the details add. */
  readonly summary: string;
  /** Of the other process. Undefined if the error says all. */
  readonly stack?: string | undefined;
}

/** An error as plain data. */
export function sendableError(error: unknown): SentError {
  const stack = stackOf(error);
  if (!isFdpassError(error)) return { code: 'internal', summary: messageOf(error), stack };
  const { code, summary, where, hint, hop, rule, target, attempts, routes } = error;
  return { code, summary, where, hint, hop, rule, target, attempts, routes, stack };
}

/** The error that another process has sent; its stack shows where it happened there. */
export function receivedError({ code, summary, stack, ...details }: SentError): FdpassError {
  const cause = stack === undefined ? undefined : Object.assign(new Error(summary), { stack });
  return new FdpassError(code, summary, { ...details, cause });
}
