import { domainToASCII, domainToUnicode } from 'node:url';
import { FdpassError } from './errors.js';
import { ipFamily } from './ip.js';
import type { Target } from './target.js';

/** A label in punycode (RFC 5890 §2.3.2.1). */
const A_LABEL = /(^|\.)xn--/i;

/** A name that needs no second look: no capital, no A-label, no dot at the end, no address (whose last letter is a digit). */
const PLAIN_NAME = /^(?!.*xn--)[a-z0-9_][a-z0-9._-]*[a-z_-]$/;

/** RFC 1035 §2.3.4 allows 255 octets on the wire, which is 253 characters of text. */
const MAX_HOST_LENGTH = 253;

/**
 * Checks and normalises a target that came from outside: a host name is data, and data that could be taken for
 * anything else (an option, an escape sequence, a second line) is refused.
 *
 * @throws FdpassError `usage`
 */
export function makeTarget(input: { host: string; port: string | number; user?: string; alias?: string }): Target {
  const target: { host: string; port: number; user?: string; alias?: string } = {
    host: normalizeHost(input.host),
    port: parsePort(input.port),
  };
  if (input.user !== undefined) target.user = checkText('user', input.user);
  if (input.alias !== undefined) target.alias = checkText('alias', input.alias);
  return target;
}

/** The host in the form rules are matched against: lower case, no brackets, no trailing dot, A-labels (RFC 5891). */
export function normalizeHost(input: string): string {
  if (PLAIN_NAME.test(input) && input.length <= MAX_HOST_LENGTH) return input; // as almost every host is
  const quoted = JSON.stringify(input.length > 80 ? `${input.slice(0, 80)}…` : input);
  if (input === '') throw new FdpassError('usage', 'the host is empty', { hint: 'usage: fdpass [options] HOST PORT' });
  if (hasForbiddenCharacter(input)) {
    throw new FdpassError('usage', `the host ${quoted} has a space or a control character in it`);
  }
  if (input.startsWith('-')) {
    throw new FdpassError('usage', `the host ${quoted} begins with a dash`, { hint: 'options go before the host' });
  }
  const bare = input.startsWith('[') && input.endsWith(']') ? input.slice(1, -1) : input;
  if (ipFamily(bare) !== 0) return lowerCaseAddress(bare);
  return normalizeName(bare, quoted);
}

function normalizeName(name: string, quoted: string): string {
  // Names such as unix/PATH and vsock%3 carry a path or a number, whose case matters: they are not DNS names.
  if (name.includes('/') || /^(unix|vsock|vsock-mux)%/.test(name)) return checkLength(name, quoted);
  if (/[^-A-Za-z0-9._~\u0080-\uffff]/.test(name)) {
    throw new FdpassError('usage', `the host ${quoted} is neither a name nor an address`, {
      hint: 'give HOST and PORT as two operands',
    });
  }
  const ascii = isAscii(name) && !A_LABEL.test(name) ? name.toLowerCase() : domainToASCII(name);
  // For an A-label that is not punycode Node 20 and 22 return nothing, and later ones return it unchanged, in both directions.
  if (ascii === '' || (A_LABEL.test(ascii) && A_LABEL.test(domainToUnicode(ascii)))) {
    throw new FdpassError('usage', `the host ${quoted} is not a valid international name (punycode)`);
  }
  return checkLength(ascii.length > 1 && ascii.endsWith('.') ? ascii.slice(0, -1) : ascii, quoted);
}

function checkLength(host: string, quoted: string): string {
  if (Buffer.byteLength(host) <= MAX_HOST_LENGTH) return host;
  throw new FdpassError('usage', `the host ${quoted} is longer than ${MAX_HOST_LENGTH} bytes`);
}

function isAscii(text: string): boolean {
  return !/[^ -~]/.test(text);
}

function lowerCaseAddress(address: string): string {
  const zone = address.indexOf('%'); // interface names are case-sensitive
  return zone === -1 ? address.toLowerCase() : address.slice(0, zone).toLowerCase() + address.slice(zone);
}

/** A decimal port from 1 to 65535. @throws FdpassError `usage` */
export function parsePort(input: string | number): number {
  const port = typeof input === 'number' ? input : /^\d{1,5}$/.test(input) ? Number(input) : Number.NaN;
  if (isPort(port)) return port;
  throw new FdpassError(
    'usage',
    `the port ${JSON.stringify(String(input).slice(0, 40))} is not a number from 1 to 65535`,
  );
}

/** Whether a value is a port. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}

function checkText(what: string, text: string): string {
  if (text.startsWith('-'))
    throw new FdpassError('usage', `the ${what} ${JSON.stringify(text.slice(0, 80))} begins with a dash`);
  if (!hasForbiddenCharacter(text)) return text;
  throw new FdpassError(
    'usage',
    `the ${what} ${JSON.stringify(text.slice(0, 80))} has a space or a control character in it`,
  );
}

function hasForbiddenCharacter(text: string): boolean {
  // Compiling Unicode classes takes milliseconds, and almost every name is plain ASCII.
  return isAscii(text) ? text.includes(' ') : /[\p{Cc}\p{Cf}\p{Z}\p{Cs}]/u.test(text);
}
