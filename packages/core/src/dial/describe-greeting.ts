import { oneLine } from '../ground/text.js';

/** What a server said first, for people. */
export interface Greeting {
  /** What it speaks, as far as its first words show it. */
  readonly protocol: string | undefined;
  /** Its first line, or its first bytes if it is not text. Cannot drive a terminal. */
  readonly text: string;
}

const MAX_TEXT = 80;
const MAX_BYTES = 16;

const PROTOCOLS: readonly (readonly [protocol: string, pattern: RegExp])[] = [
  ['SSH', /^SSH-/],
  ['HTTP', /^HTTP\/\d|^<(?:!doctype|html)/i],
  ['SMTP', /^220[ -].*\bE?SMTP\b/i],
  ['FTP', /^220[ -]/],
  ['IMAP', /^\* (?:OK|PREAUTH)\b/],
  ['POP3', /^\+OK\b/],
  ['VNC', /^RFB \d{3}\./],
  ['MySQL', /^.{3}\0[\n\xff]/s],
  ['Telnet', /^\xff[\xfb-\xfe]/],
];

/** RFC 8446, section 5.1: an alert or a handshake, and the version that all records have had since SSL 3. */
const TLS_RECORDS: readonly number[] = [0x15, 0x16];
const TLS_VERSION = 3;

/** Describes the first bytes that a server sends; undefined for none. */
export function describeGreeting(bytes: Uint8Array): Greeting | undefined {
  if (bytes.length === 0) return undefined;
  const octets = Buffer.from(bytes).toString('latin1');
  const isTls = TLS_RECORDS.includes(bytes[0] ?? 0) && bytes[1] === TLS_VERSION;
  const protocol = isTls ? 'TLS' : PROTOCOLS.find(([, pattern]) => pattern.test(octets))?.[0];
  return { protocol, text: isText(octets) ? firstLine(bytes) : hexadecimal(bytes) };
}

/** Text has no control characters but those that begin and end lines. */
function isText(octets: string): boolean {
  return !/[^\t\r\n\x20-\xff]/.test(octets.slice(0, MAX_TEXT)) && octets[0] !== '\xff';
}

function firstLine(bytes: Uint8Array): string {
  const [line = ''] = Buffer.from(bytes).toString('utf8').trimStart().split(/\r?\n/, 1);
  const text = oneLine(line);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function hexadecimal(bytes: Uint8Array): string {
  const digits = [...bytes.subarray(0, MAX_BYTES)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${digits.join(' ')}${bytes.length > MAX_BYTES ? ' …' : ''}`;
}
