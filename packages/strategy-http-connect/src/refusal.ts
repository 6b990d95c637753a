import { type ErrorCode, FdpassError, oneLine } from '@fdpass/core';
import type { Challenge } from './challenge.js';
import { decodeText } from './page.js';
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

const NOT_A_PROXY = 'check that this is a proxy, not a web server';
const CHECK_TARGET = 'check the target: the proxy could not reach it';

interface Meaning {
  readonly code: ErrorCode;
  readonly hint?: string;
}

const CODES: Readonly<Record<number, Meaning>> = {
  401: { code: 'permission', hint: 'check that this is a proxy, not a web server: a proxy asks with 407' },
  403: { code: 'permission', hint: 'check which ports the proxy allows: often it is just 443' },
  404: { code: 'unreachable', hint: NOT_A_PROXY },
  405: { code: 'protocol', hint: NOT_A_PROXY },
  407: { code: 'protocol' },
  408: { code: 'timeout' },
  429: { code: 'unreachable', hint: 'wait, and try again' },
  500: { code: 'unreachable', hint: CHECK_TARGET }, // as tinyproxy says it
  501: { code: 'protocol', hint: 'use a proxy that supports CONNECT' },
  502: { code: 'unreachable', hint: CHECK_TARGET },
  503: { code: 'unreachable', hint: CHECK_TARGET },
  504: { code: 'timeout', hint: CHECK_TARGET },
};

/** How nginx, Apache and Go say that TLS is wanted on a port that was spoken to without. */
const WANTS_TLS = /plain HTTP request was sent to HTTPS|plain HTTP to an SSL|HTTP request to an HTTPS/i;

/** What is known of a refusal besides its head. */
export interface RefusalDetails {
  /** A few words of its page. */
  readonly page?: string | undefined;
  /** What to try, where that is known better than the status says. */
  readonly hint?: string | undefined;
  /** Takes secrets out of what the proxy says: some repeat the request. */
  readonly mask: (text: string) => string;
}

/** Octets of a response as text. Masked twice: a charset must not turn a secret into something else. */
function decodeMasked(octets: string, mask: (text: string) => string): string {
  return mask(decodeText(mask(octets)));
}

/** What a proxy gives us to prove ourselves with the next time. */
const CONFIDENTIAL = /^(set-cookie2?|(?:proxy-)?authentication-info):.*/i;

/** The lines of a response's head, without what is secret in them. */
export function showHead({ lines }: ResponseHead, mask: (text: string) => string): string[] {
  return lines.map((line) => decodeMasked(line, mask).replace(CONFIDENTIAL, '$1: ***'));
}

/** The error for a final response that does not open the tunnel. */
export function refusal(head: ResponseHead, { page, hint, mask }: RefusalDetails): FdpassError {
  const { status } = head;
  const show = (octets: string): string => oneLine(decodeMasked(octets, mask)).slice(0, MAX_SHOWN);
  const field = (name: string): string | undefined => head.headers.get(name)?.at(-1);
  const reason = show(head.reason);
  const location = status >= 300 && status < 400 ? field('location') : undefined;
  const squidError = field('x-squid-error')?.split(' ', 1)[0];
  const quotes = [page, squidError && show(squidError)].filter(Boolean).join('; ');
  const words = `${status} ${reason}`.trim();
  const { code, hint: usual }: Meaning = CODES[status] ?? { code: 'protocol' };
  const message = [
    status === 407 ? 'the proxy wants authentication (407) but does not say which' : `the proxy answered ${words}`,
    location === undefined ? '' : `, see ${withoutSecrets(show(location))}`,
    quotes === '' ? '' : ` (${quotes})`,
  ].join('');
  return new FdpassError(code, message, {
    hint: hint ?? hintOf(head, { reason, page: page ?? '', location }) ?? usual,
    cause: new HttpStatusError(status, words),
  });
}

/** The URL of a page without what can be a secret in it: user-info, query and fragment. */
function withoutSecrets(url: string): string {
  return url
    .replace(/^((?:[a-z][a-z0-9+.-]*:)?[/\\]*)(?:.*)@/is, '$1***@')
    .replace(/[?#].*$/s, (rest) => `${rest[0]}***`);
}

/** How much of one thing that a proxy says is shown. */
const MAX_SHOWN = 100;

interface Said {
  readonly reason: string;
  readonly page: string;
  readonly location: string | undefined;
}

/** What the proxy's own words say to do. */
function hintOf({ status }: ResponseHead, { reason, page, location }: Said): string | undefined {
  if (location !== undefined) return 'open that page in a browser: this network may want a login';
  if (status === 400 && WANTS_TLS.test(`${reason} ${page}`)) return 'this port wants TLS: use https://';
  // Privoxy refuses with 404 and a reason of its own; a web server has the usual one.
  if (status === 404 && !/^(?:not found)?$/i.test(reason)) return CHECK_TARGET;
  return undefined;
}

/** The error for a 407 that offers no authentication scheme that we support. */
export function unanswerable(challenges: readonly Challenge[]): FdpassError {
  const message = `the proxy asks for authentication that fdpass cannot do: ${schemesOf(challenges)}`;
  return new FdpassError('permission', message, {
    hint: 'use a plugin that adds the scheme: fdpass can do Basic and Digest',
    cause: new HttpStatusError(407, ASKS),
  });
}

/** The error for a 407 that asks for what the hop does not have. */
export function unauthenticated(challenges: readonly Challenge[]): FdpassError {
  return new FdpassError('permission', `the proxy wants a user name and a password (${schemesOf(challenges)})`, {
    hint: 'add "credentials" to the hop',
    cause: new HttpStatusError(407, ASKS),
  });
}

/** The error for a user name and password that the proxy does not accept; tinyproxy says so with a 401. */
export function refusedCredentials(status: number): FdpassError {
  return new FdpassError('permission', 'the proxy refused the user name or the password', {
    hint: 'check the "credentials" of the hop',
    cause: new HttpStatusError(status, status === 407 ? ASKS : 'Unauthorized'),
  });
}

const ASKS = 'Proxy Authentication Required';

function schemesOf(challenges: readonly Challenge[]): string {
  return [...new Set(challenges.map(({ scheme }) => oneLine(scheme)))].join(', ');
}
