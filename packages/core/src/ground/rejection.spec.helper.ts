import { type FdpassError, isFdpassError } from './errors.js';

/** What a promise rejects with; an error that says so if it does not. */
export async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
}

/** The FdpassError that a promise rejects with; anything else is thrown. */
export async function rejection(promise: Promise<unknown>): Promise<FdpassError> {
  const error = await caught(promise);
  if (isFdpassError(error)) return error;
  throw error;
}

/** What a promise rejects with as `code: message`, or as it is if it is not an FdpassError. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await caught(promise);
  return isFdpassError(error) ? `${error.code}: ${error.message}` : String(error);
}
