import { type FdpassError, formatError, isFdpassError } from './errors.js';
import { detailsOf, type SystemError, systemErrorBelow } from './system-details.js';

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
  return Object.assign(new Error(message, { cause: error }), detailsOf(system), { code });
}

/** As Node writes it: `connect ECONNREFUSED 127.0.0.1:22`. */
function wordsOf({ syscall, code, address, port, hostname }: SystemError, { target }: FdpassError): string[] {
  if (syscall === 'getaddrinfo') return [syscall, code, hostname ?? target?.host ?? ''];
  return [syscall, code, ...(address === undefined ? [] : [`${address}:${port}`])];
}
