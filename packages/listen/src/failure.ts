import { type ErrorCode, errnoName, formatError, isFdpassError } from '@fdpass/core';

/** What clients are told of a failure. */
export interface Answer {
  /** The reply of SOCKS 5 (RFC 1928 §6). */
  readonly socks5: number;
  /** The status of HTTP. */
  readonly status: number;
  /** The error type of the Proxy-Status field (RFC 9209 §2.3). */
  readonly type: string;
}

const BY_ERRNO: Readonly<Record<string, Answer>> = {
  ECONNREFUSED: { socks5: 5, status: 502, type: 'connection_refused' },
  ENETUNREACH: { socks5: 3, status: 502, type: 'destination_ip_unroutable' },
  EHOSTUNREACH: { socks5: 4, status: 502, type: 'destination_ip_unroutable' },
};

const BY_CODE: Readonly<Record<ErrorCode, Answer>> = {
  'unknown-host': { socks5: 4, status: 502, type: 'dns_error' },
  unreachable: { socks5: 4, status: 502, type: 'destination_unavailable' },
  timeout: { socks5: 6, status: 504, type: 'connection_timeout' },
  permission: { socks5: 2, status: 403, type: 'http_request_denied' },
  usage: { socks5: 1, status: 400, type: 'http_request_error' },
  protocol: { socks5: 1, status: 502, type: 'proxy_internal_response' },
  config: { socks5: 1, status: 502, type: 'proxy_configuration_error' },
  internal: { socks5: 1, status: 502, type: 'proxy_internal_error' },
};

/** What to answer a client whose connection failed. */
export function answerTo(error: unknown): Answer {
  const code = isFdpassError(error) ? error.code : 'internal';
  const errnos = new Set(code === 'unreachable' ? errnosIn(error) : []);
  const [errno = ''] = errnos;
  return (errnos.size === 1 && BY_ERRNO[errno]) || BY_CODE[code];
}

/** The errnos of the system errors that an error was made of. */
function errnosIn(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(errnosIn);
  if (!(error instanceof Error)) return [];
  const name = isFdpassError(error) ? undefined : errnoName(error);
  return name === undefined ? errnosIn(error.cause) : [name];
}

/** The failure in one line, which holds no secret. */
export function describeFailure(error: unknown): string {
  const code = isFdpassError(error) ? error.code : 'internal';
  const lines = formatError(error).split('\n');
  return `fdpass: [${code}] ${lines.map((line) => line.trim()).join('; ')}`;
}
