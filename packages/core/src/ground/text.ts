/*
 * Texts for people.
 */

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `text` with every control character replaced by a space: what others send must not drive a terminal. */
export function oneLine(text: string): string {
  if (/^[ -~]*$/.test(text)) return text.trim(); // Unicode classes are slow to compile
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** A path as a shell reads it. */
export function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The candidate that `word` most likely is a typing error of: at most a third of the longer one differs. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The hint for a word that is none of `known`: `did you mean "check"?`; undefined if none is near. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const near = nearest(word, known);
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}

/** Optimal string alignment: insertions, deletions, substitutions and swapped neighbours each count one. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, substitution, swap));
    }
  }
  return at(a.length, b.length);
}

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

/** With "u", the second halves of pairs do not count. */
const ESCAPED = /([\udc80-\udcff])/u;

/** The octets of a text as they are sent: UTF-8, and those that {@link decodePercent} found no character for. */
export function octetsOf(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text);
  const parts = text.split(ESCAPED);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : escapedOctet(part))));
}

function escapedOctet(surrogate: string): Buffer {
  return Buffer.of(surrogate.charCodeAt(0) - ESCAPE);
}
