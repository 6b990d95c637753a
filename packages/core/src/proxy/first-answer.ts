import { withWaited } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { formatHostPort, type Target, unixPath } from '../ground/target.js';

/** What a proxy is expected to say first, for errors. */
export interface ExpectedAnswer {
  /** Who was reached. */
  readonly peer: Target;
  /** The name of the expected answer, e.g. `SOCKS reply`. */
  readonly what: string;
  /** What to try where nothing comes. */
  readonly hint: string;
}

/**
 * Waits for the first answer of a peer that we have connected to. One that stays silent until the time of the dial is over,
 * or closes, often speaks another protocol: the error then says that it was reached, and what to check.
 */
export function firstAnswer<T>(answer: Promise<T>, expected: ExpectedAnswer): Promise<T> {
  return answer.catch((error: unknown) => {
    throw explained(error, expected);
  });
}

function explained(error: unknown, { peer, what, hint }: ExpectedAnswer): unknown {
  if (!isFdpassError(error)) return error; // the caller's own reason to abort
  const { code, message, cause } = error;
  if (code === 'unreachable') return new FdpassError(code, message, { hint: error.hint ?? hint, cause });
  const place = unixPath(peer.host) ?? formatHostPort(peer.host, peer.port);
  return withWaited(error, `connected to ${place}, but no ${what} came`, hint);
}

/**
 * What the first octets of an answer that is not the expected one show about who gave it, as a hint; undefined if nothing.
 *
 * @param withTls The scheme of the same protocol over TLS.
 */
export function hintAtPeer(bytes: Uint8Array, withTls: string): string | undefined {
  const [first, second] = bytes;
  const text = Buffer.from(bytes).toString('latin1');
  const begins = (word: string): boolean => text !== '' && (text.startsWith(word) || word.startsWith(text));
  if (begins('HTTP/')) return 'it looks like an HTTP proxy: use http://';
  if (begins('SSH-')) return 'it is an ssh server, not a proxy: check its host and port';
  if (first === TLS_ALERT || first === TLS_HANDSHAKE) return `it wants TLS: use ${withTls}://`;
  if (first === SOCKS5) return 'it looks like a SOCKS 5 proxy: use socks5h://';
  const isReply4 = (first === 0 || first === SOCKS4) && second !== undefined && second >= 0x5a && second <= 0x5d;
  return isReply4 ? 'it looks like a SOCKS proxy: use socks5h://, or socks4a:// if it is an old one' : undefined;
}

const SOCKS5 = 5; // RFC 1928 §3
const SOCKS4 = 4;

/** RFC 8446 §5.1: the types of the records that a server can begin with. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
