import { isDigits } from './digits.js';
import { FdpassError } from './errors.js';
import { canonicalAddress, ipFamily } from './ip.js';
import {
  describeKind,
  type LocalName,
  splitLocalName,
  type Target,
  type TargetKind,
  targetKind,
  withoutRootDot,
} from './target.js';

/** A label in punycode (RFC 5890 §2.3.2.1). */
const A_LABEL = /(^|\.)xn--/i;

/** A name that needs no second look: no capital, no A-label, no dot at the end, no number in front, which begins an address. */
const PLAIN_NAME = /^(?!.*xn--)[a-z_][a-z0-9._-]*[a-z0-9_-]$/;

/**
 * All characters that a normalised name can have. An option parser, or the shell of somebody's script, can take such a name
 * only for a word.
 */
const NORMAL_NAME = /^[a-z0-9._~][a-z0-9._~-]*$/;

/** A user name or an alias that needs no second look. */
const PLAIN_WORD = /^\w[\w.@+-]*$/;

/** RFC 1035 §2.3.4 allows 255 octets on the wire, which is 253 characters of text. */
const MAX_HOST_LENGTH = 253;

const ANY_KIND: readonly TargetKind[] = ['host', 'unix', 'vsock', 'machine'];

/**
 * Checks and normalises a target that came from outside: a host name is data, and data that could be taken for
 * anything else (an option, an escape sequence, a second line) is refused.
 *
 * @throws FdpassError `usage`
 */
export function makeTarget(input: { host: string; port: string | number; user?: string; alias?: string }): Target {
  const { host, port, user, alias } = input;
  return normalizeTarget({
    host,
    port: parsePort(port),
    ...(user !== undefined && { user }),
    ...(alias !== undefined && { alias }),
  });
}

/** The target with its host normalised and all else checked; the same object if it is normal. @throws FdpassError `usage` */
export function normalizeTarget(target: Target): Target {
  const host = normalizeHost(target.host);
  parsePort(target.port);
  if (target.user !== undefined) checkWord('user', target.user, USER);
  if (target.alias !== undefined) checkWord('alias', target.alias, ALIAS);
  return host === target.host ? target : { ...target, host };
}

/**
 * A host in the one form that everything after this sees: in lower case, without brackets, international names as
 * A-labels (RFC 5891), addresses as fdpass writes them. A dot at the end stays: it says that the name is absolute.
 *
 * The result is checked, not the input, since normalising turns harmless characters into ones that a shell acts on (a full-width
 * dollar sign becomes a plain one).
 *
 * @param kinds What it can name. Default: any kind of target.
 * @throws FdpassError `usage`
 */
export function normalizeHost(input: string, kinds: readonly TargetKind[] = ANY_KIND): string {
  // As almost every host is. The address first: it needs no expression, which a start would have to compile.
  if (ipFamily(input) === 4 || (PLAIN_NAME.test(input) && input.length <= MAX_HOST_LENGTH)) return input;
  if (input === '') throw new FdpassError('usage', 'the host is empty', { hint: 'give HOST and PORT' });
  const host = targetKind(input) === 'host' ? normalizeName(input) : checkLocalName(input);
  if (Buffer.byteLength(withoutRootDot(host)) > MAX_HOST_LENGTH) {
    throw new FdpassError('usage', `the host is longer than ${MAX_HOST_LENGTH} bytes`);
  }
  const kind = targetKind(host);
  if (kinds.includes(kind)) return host;
  throw new FdpassError('usage', `this is ${describeKind(kind)}, not a host name or an address`);
}

function normalizeName(input: string): string {
  if (hasForbiddenCharacter(input)) {
    throw new FdpassError('usage', 'the host has a space or a control character in it');
  }
  const bare = input.startsWith('[') && input.endsWith(']') ? input.slice(1, -1) : input;
  const ascii = isAscii(bare) && !A_LABEL.test(bare) ? bare.toLowerCase() : toAscii(bare);
  if (ascii.startsWith('-')) {
    throw new FdpassError('usage', 'the host begins with a dash', {
      hint: 'check the order: options go before the host',
    });
  }
  const address = canonicalAddress(bare) ?? canonicalAddress(withoutRootDot(ascii)); // a zone is case-sensitive
  if (address !== undefined) return address;
  if (NORMAL_NAME.test(ascii)) return ascii;
  throw new FdpassError('usage', 'the host is neither a name nor an address', {
    hint: 'give HOST and PORT as two operands',
  });
}

function toAscii(name: string): string {
  const { domainToASCII, domainToUnicode } = process.getBuiltinModule('node:url');
  // domainToASCII also decodes percent signs.
  const ascii = /[^-A-Za-z0-9._~\u0080-\uffff]/.test(name) ? '' : domainToASCII(name);
  // For an A-label that is not punycode Node 20 and 22 return nothing, and later ones return it unchanged, in both directions.
  if (ascii !== '' && !(A_LABEL.test(ascii) && A_LABEL.test(domainToUnicode(ascii)))) return ascii;
  throw new FdpassError('usage', 'the host is not a valid international name (punycode)');
}

/** What may follow the slash in a name such as unix/PATH. */
const LOCAL_NAMES: Readonly<Record<LocalName['prefix'], readonly [pattern: RegExp, written: string]>> = {
  unix: [/^./, 'unix/PATH'],
  vsock: [/^\d+$/, 'vsock/CID, a whole number'],
  'vsock-mux': [/^./, 'vsock-mux/PATH'],
  machine: [/^[A-Za-z0-9._~][A-Za-z0-9._~-]*$/, 'machine/NAME'],
};

/** Names such as unix/PATH and vsock%3 carry a path or a number: they are not DNS names, and their case matters. */
function checkLocalName(name: string): string {
  const { prefix, rest } = splitLocalName(name) ?? {};
  if (prefix === undefined || rest === undefined) return name; // .host
  const [pattern, written] = LOCAL_NAMES[prefix];
  if (pattern.test(rest) && !hasUnseenCharacter(rest)) return name;
  throw new FdpassError('usage', `the host does not name ${describeKind(targetKind(name))}`, {
    hint: `write ${written}`,
  });
}

/** A decimal port from 1 to 65535. @throws FdpassError `usage` */
export function parsePort(input: string | number): number {
  const port = typeof input === 'number' ? input : isDigits(input) && input.length <= 5 ? Number(input) : Number.NaN;
  if (isPort(port)) return port;
  throw new FdpassError('usage', 'the port is not a number from 1 to 65535');
}

/** Whether a value is a port. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}

/** What ssh refuses in a user name (valid_ruser in its source): a backslash is of a Windows domain, unless it is the last. */
const USER = /['`";&<>|(){}]|\s-|\\$/;

/** What ssh refuses in the name of a host as it was typed (valid_hostname). */
const ALIAS = /['`"$\\;&<>|(){},\s]/;

/** Checks what ssh gives for `%r` and `%n` as ssh does itself, and what other characters become in ASCII too. */
function checkWord(what: string, text: string, refused: RegExp): void {
  if (PLAIN_WORD.test(text)) return;
  const refuse = (problem: string): FdpassError => new FdpassError('usage', `the ${what} ${problem}`);
  const ascii = text.normalize('NFKC');
  if (ascii.startsWith('-')) throw refuse('begins with a dash');
  if (hasUnseenCharacter(text)) throw refuse('has a control character in it');
  if (refused.test(ascii)) throw refuse('has a character in it that ssh refuses there');
}

function isAscii(text: string): boolean {
  return !/[^ -~]/.test(text);
}

/** Compiling Unicode classes takes milliseconds, and almost every name is plain ASCII. */
function hasForbiddenCharacter(text: string): boolean {
  return isAscii(text) ? text.includes(' ') : /[\p{Cc}\p{Cf}\p{Z}\p{Cs}]/u.test(text);
}

/** A character that drives a terminal or that nobody sees; a space is allowed. */
function hasUnseenCharacter(text: string): boolean {
  return !isAscii(text) && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
}
