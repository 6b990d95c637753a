import { type ErrorCode, FdpassError, oneLine } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import type { ResponseHead } from './response-wire.js';

/** A proxy's refusal, with its status; the `cause` of the FdpassError a dial fails with. */
export class HttpStatusError extends Error {
  /** The class's name, also in another copy of the package. */
  override readonly name = 'HttpStatusError';
  /** The status code (RFC 9110, section 15). */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const CODES: Readonly<Record<number, readonly [ErrorCode, hint?: string]>> = {
  401: ['permission', 'a proxy asks with 407; check that this is not a web server'],
  403: ['permission', 'check which ports the proxy allows; often it is just 443'],
  404: ['unreachable', 'check that this is a proxy, not a web server'],
  405: ['protocol', 'check that this is a proxy, not a web server'],
  408: ['timeout'],
  429: ['unreachable', 'too many requests; wait and try again'],
  501: ['protocol', 'this server does not support CONNECT'],
  502: ['unreachable', 'the proxy could not reach the target'],
  503: ['unreachable', 'the proxy could not reach the target'],
  504: ['timeout', 'the proxy got no answer from the target'],
};

/** The error for a final response that does not open the tunnel. `quote` is a few words of its body. */
export function refusal({ status, reason }: ResponseHead, quote?: string): FdpassError {
  const [code, hint] = CODES[status] ?? ['protocol'];
  const words = `${status} ${oneLine(reason)}`.trim().slice(0, 100);
  const message = `the proxy answered ${words}${quote === undefined ? '' : ` (${quote})`}`;
  return new FdpassError(code, message, { hint, cause: new HttpStatusError(status, words) });
}

/** The error for a 407 that cannot be answered. */
export function unauthenticated(challenges: readonly Challenge[], hasCredentials: boolean, round: number): FdpassError {
  const offered = [...new Set(challenges.map((challenge) => challenge.scheme))].map(oneLine).join(', ');
  const cause = new HttpStatusError(407, 'Proxy Authentication Required');
  if (hasCredentials && round > 0) return refusedCredentials(cause);
  if (challenges.length === 0) {
    return new FdpassError('protocol', 'the proxy wants authentication (407) but does not say which', { cause });
  }
  if (!hasCredentials) {
    return new FdpassError('permission', `the proxy wants a user name and a password (${offered})`, {
      hint: 'add "credentials" to the hop',
      cause,
    });
  }
  return new FdpassError('permission', `the proxy wants an authentication we cannot do: ${offered}`, {
    hint: 'use a plugin that adds the scheme',
    cause,
  });
}

/** The error for a user name and password that the proxy does not accept; tinyproxy says so with a 401. */
export function refusedCredentials(cause: HttpStatusError): FdpassError {
  return new FdpassError('permission', 'the proxy refused the user name or the password', {
    hint: 'check the "credentials" of the hop',
    cause,
  });
}
