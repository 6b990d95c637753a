/*
 * A percent-encoded octet of a URL need not be UTF-8: some proxies have passwords in Latin-1. In a string, such an octet is a
 * lone surrogate from U+DC80 to U+DCFF, which no text in UTF-8 has, so it arrives as it was meant.
 */

const ESCAPE = 0xdc00;

/** Decodes percent-encoding, UTF-8 or not; a percent sign that is not followed by two hexadecimal digits stays. */
export function decodePercent(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (encoded) => fromOctets(Buffer.from(encoded.replaceAll('%', ''), 'hex')));
}

function fromOctets(octets: Buffer): string {
  const text = octets.toString('utf8');
  if (Buffer.from(text).equals(octets)) return text;
  return Array.from(octets, (octet) => String.fromCharCode(octet < 0x80 ? octet : ESCAPE + octet)).join('');
}

/** The octets of a text as they are sent: UTF-8, and those that {@link decodePercent} found no character for. */
export function octetsOf(text: string): Buffer {
  const parts = text.split(/([\udc80-\udcff])/u); // with "u", the second halves of pairs do not count
  return Buffer.concat(parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : escapedOctet(part))));
}

function escapedOctet(surrogate: string): Buffer {
  return Buffer.of(surrogate.charCodeAt(0) - ESCAPE);
}
