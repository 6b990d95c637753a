import { type ErrorCode, FdpassError, formatError, isFdpassError } from './errors.js';
import { detailsOf, type SystemError, systemErrorBelow } from './system-details.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly hint?: string;
}

const CHECK_NETWORK = 'check the network of this machine';

/** The errno names that a dial can meet, in words for the person at the terminal. A function: only a failure needs them. */
const meanings = (): Readonly<Record<string, Meaning>> => ({
  ECONNREFUSED: { code: 'unreachable', reason: 'connection refused', hint: 'check that it is running, and the port' },
  ECONNRESET: { code: 'unreachable', reason: 'connection reset' },
  EPIPE: { code: 'unreachable', reason: 'connection closed by the other side' },
  ENETUNREACH: { code: 'unreachable', reason: 'network unreachable', hint: CHECK_NETWORK },
  EHOSTUNREACH: { code: 'unreachable', reason: 'no route to host', hint: CHECK_NETWORK },
  ENETDOWN: { code: 'unreachable', reason: 'network is down', hint: CHECK_NETWORK },
  EADDRNOTAVAIL: { code: 'unreachable', reason: 'address not available' },
  EADDRINUSE: { code: 'unreachable', reason: 'address already in use' },
  EAFNOSUPPORT: { code: 'unreachable', reason: 'address family not supported' },
  EINVAL: { code: 'unreachable', reason: 'invalid argument' },
  ENODEV: { code: 'config', reason: 'no such network interface' },
  ENOENT: { code: 'unreachable', reason: 'no such file or directory' },
  ENOSPC: { code: 'internal', reason: 'no space left on the device' },
  EFBIG: { code: 'internal', reason: 'the file is too large' },
  EDQUOT: { code: 'internal', reason: 'disk quota exceeded' },
  EIO: { code: 'internal', reason: 'input/output error' },
  EROFS: { code: 'permission', reason: 'read-only file system' },
  EISDIR: { code: 'internal', reason: 'it is a folder' },
  ENOTDIR: { code: 'internal', reason: 'something on the way to it is not a folder' },
  ELOOP: { code: 'internal', reason: 'too many symbolic links' },
  ENAMETOOLONG: { code: 'internal', reason: 'the name is too long' },
  ETIMEDOUT: { code: 'timeout', reason: 'connection timed out' },
  ENOTFOUND: { code: 'unknown-host', reason: 'no such host' },
  ENODATA: { code: 'unknown-host', reason: 'the name has no address' },
  EAI_AGAIN: {
    code: 'unknown-host',
    reason: 'temporary failure in name resolution',
    hint: 'check that the name server is reachable',
  },
  EACCES: { code: 'permission', reason: 'permission denied' },
  EPERM: { code: 'permission', reason: 'operation not permitted' },
  EMFILE: { code: 'internal', reason: 'no file descriptor left in this process', hint: 'raise the limit: ulimit -n' },
  ENFILE: { code: 'internal', reason: 'no file descriptor left on this system' },
});

/** The errno name of a system error, or undefined for any other value. */
export function errnoName(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

const OUT_OF_DESCRIPTORS = new Set(['EMFILE', 'ENFILE']);

/** Whether an error, or one below it, says that no descriptor was left, for this process or for all. */
export function isOutOfDescriptors(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const below: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return OUT_OF_DESCRIPTORS.has(errnoName(error) ?? '') || below.some(isOutOfDescriptors);
}

/** Makes a system call; undefined if it fails with EAGAIN. */
export function unlessBlocked(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoName(error) === 'EAGAIN') return undefined;
    throw error;
  }
}

/** Why a system call failed, in words, e.g. `connection refused`; for one of our own errors its message. */
export function reasonOf(error: unknown): string {
  if (isFdpassError(error)) return error.message;
  const name = errnoName(error);
  return (
    (name !== undefined && meanings()[name]?.reason) || name || (error instanceof Error ? error.message : String(error))
  );
}

/**
 * A system error (a Node error with an errno name) as an FdpassError; `doing` says what failed, e.g. `cannot connect`,
 * and without it the message is the bare reason. One of our own errors keeps its code and hint.
 */
export function fromSystemError(error: unknown, doing?: string): FdpassError {
  const meaning = isFdpassError(error) ? error : meanings()[errnoName(error) ?? ''];
  const message = doing === undefined ? reasonOf(error) : `${doing}: ${reasonOf(error)}`;
  return new FdpassError(meaning?.code ?? 'internal', message, { hint: meaning?.hint, cause: error });
}

/** The `cause` for the end of a connection where the system gives no error: programs recognise it by its `code`. */
export function endOfFile(): Error {
  return Object.assign(new Error('recv EOF'), { code: 'EOF', syscall: 'recv' });
}

/** What `net.connect` would say where no system call failed. */
const CODES: Readonly<Partial<Record<FdpassError['code'], string>>> = {
  timeout: 'ETIMEDOUT',
  'unknown-host': 'ENOTFOUND',
  unreachable: 'ECONNREFUSED',
};

/**
 * A failed dial as the error that `net.connect` would have given, for programs that know nothing of fdpass: with the code
 * and the details of the system's error. The message also names the rule and the proxy; `cause` is the dial's error.
 */
export function asNodeError(error: unknown): unknown {
  if (!isFdpassError(error)) return error;
  const system = systemErrorBelow(error);
  const code = system?.code ?? CODES[error.code] ?? `ERR_FDPASS_${error.code.toUpperCase().replace('-', '_')}`;
  const isByRule = error.rule?.startsWith('rule ') === true || system === undefined;
  const what = system === undefined ? [code] : wordsOf(system, error);
  const message = isByRule ? `${what.join(' ')}: ${formatError(error)}` : what.join(' ');
  return Object.assign(new Error(message, { cause: error }), detailsOf(system), { code });
}

/** As Node writes it: `connect ECONNREFUSED 127.0.0.1:22`. */
function wordsOf({ syscall, code, address, port, hostname }: SystemError, { target }: FdpassError): string[] {
  if (syscall === 'getaddrinfo') return [syscall, code, hostname ?? target?.host ?? ''];
  return [syscall, code, ...(address === undefined ? [] : [`${address}:${port}`])];
}
