import { type FdpassError, formatError, isFdpassError } from './errors.js';

/** What Node's errors of system calls have, for programs that test for it. */
export interface SystemErrorDetails {
  /** The negative number of the system, or one of Node's. */
  readonly errno?: number;
  /** E.g. `connect`, `getaddrinfo`. */
  readonly syscall?: string;
  /** The address that was tried: the proxy's, if that is what failed. */
  readonly address?: string;
  /** The port that was tried. */
  readonly port?: number;
  /** The name that was looked up. */
  readonly hostname?: string;
}

type SystemError = Error & SystemErrorDetails & { readonly code: string; readonly syscall: string };

const DETAILS: readonly (keyof SystemErrorDetails)[] = ['errno', 'syscall', 'address', 'port', 'hostname'];

/** The error of a system call that is below `error`, the first of several. */
function systemErrorBelow(error: unknown): SystemError | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('syscall' in error && !isFdpassError(error)) return error as SystemError;
  const below = error instanceof AggregateError ? error.errors : [error.cause];
  for (const each of below) {
    const found = systemErrorBelow(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a system error says beside its message and code. */
function detailsOf(error: SystemErrorDetails): SystemErrorDetails {
  return Object.fromEntries(DETAILS.filter((name) => error[name] !== undefined).map((name) => [name, error[name]]));
}

/** What `net.connect` would say where no system call failed. */
const CODES: Readonly<Partial<Record<FdpassError['code'], string>>> = {
  timeout: 'ETIMEDOUT',
  'unknown-host': 'ENOTFOUND',
  unreachable: 'ECONNREFUSED',
};

/**
 * A failed dial as the error that `net.connect` would have given, for programs that know nothing of fdpass: with the code
 * and the details of the system's error. What a rule or a proxy has to do with it is in the message; `cause` is the dial's error.
 */
export function asNodeError(error: unknown): unknown {
  if (!isFdpassError(error)) return error;
  const system = systemErrorBelow(error);
  const code = system?.code ?? CODES[error.code] ?? `ERR_FDPASS_${error.code.toUpperCase().replace('-', '_')}`;
  const isByRule = error.rule?.startsWith('rule ') === true || system === undefined;
  const what = system === undefined ? [code] : wordsOf(system, error);
  const message = isByRule ? `${what.join(' ')}: ${formatError(error)}` : what.join(' ');
  return Object.assign(new Error(message, { cause: error }), system && detailsOf(system), { code });
}

/** As Node writes it: `connect ECONNREFUSED 127.0.0.1:22`. */
function wordsOf({ syscall, code, address, port, hostname }: SystemError, { target }: FdpassError): string[] {
  if (syscall === 'getaddrinfo') return [syscall, code, hostname ?? target?.host ?? ''];
  return [syscall, code, ...(address === undefined ? [] : [`${address}:${port}`])];
}
