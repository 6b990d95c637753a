import { type Connection, type ErrorCode, FdpassError, isFdpassError, type Missing } from '@fdpass/core';
import { REPLY_SUCCEEDED, REPLY4_GRANTED } from './constants.js';

/** A proxy's refusal, with the code it gave; the `cause` of the FdpassError a dial fails with. */
export class SocksReplyError extends Error {
  /** The class's name, also in another copy of the package. */
  override readonly name = 'SocksReplyError';
  /** The protocol: 4 or 5. */
  readonly version: 4 | 5;
  /** The reply code (RFC 1928, section 6). */
  readonly reply: number;

  constructor(version: 4 | 5, reply: number, message: string) {
    super(message);
    this.version = version;
    this.reply = reply;
  }
}

interface Meaning {
  readonly words: string;
  readonly code: ErrorCode;
  readonly hint?: string;
}

const NAMES_ELSEWHERE = 'use socks5:// to look names up here, or socks5h:// to let the proxy do it';
const CHECK_TARGET = 'check the target: the proxy itself answers';

/** RFC 1928 §6; from 0xf0 on Tor's extended codes (torrc(5), ExtendedErrors; proposal 304). */
const SOCKS5: Readonly<Record<number, Meaning>> = {
  1: { words: 'general SOCKS server failure', code: 'unreachable', hint: "look in the proxy's log" },
  2: {
    words: 'connection not allowed by the ruleset',
    code: 'permission',
    hint: 'check which hosts and ports the proxy allows',
  },
  3: { words: 'network unreachable', code: 'unreachable', hint: CHECK_TARGET },
  4: { words: 'host unreachable', code: 'unreachable', hint: CHECK_TARGET },
  5: { words: 'connection refused', code: 'unreachable', hint: 'check that the target is running, and the port' },
  6: { words: 'TTL expired', code: 'timeout', hint: CHECK_TARGET },
  7: { words: 'command not supported', code: 'protocol', hint: 'use a proxy that supports CONNECT' },
  8: { words: 'address type not supported', code: 'protocol', hint: NAMES_ELSEWHERE },
  240: { words: 'onion service descriptor not found', code: 'unknown-host' },
  241: { words: 'onion service descriptor is invalid', code: 'unreachable' },
  242: { words: 'onion service introduction failed', code: 'unreachable' },
  243: { words: 'onion service rendezvous failed', code: 'unreachable' },
  244: { words: 'onion service needs client authorization', code: 'permission' },
  245: { words: 'onion service refused the client authorization', code: 'permission' },
  246: { words: 'onion address is invalid', code: 'unknown-host' },
  247: { words: 'onion service introduction timed out', code: 'timeout' },
};

/** The SOCKS 4 memo; 0x5c and 0x5d are about identd (RFC 1413). */
const SOCKS4: Readonly<Record<number, Meaning>> = {
  91: {
    words: 'request rejected or failed',
    code: 'unreachable',
    hint: 'try socks5h://: SOCKS 4 proxies do not say why they refuse',
  },
  92: { words: 'rejected: the proxy cannot reach identd on this machine', code: 'permission' },
  93: { words: 'rejected: identd reports another user', code: 'permission' },
};

/** A reply as people read it, e.g. `connection refused (SOCKS5 reply 0x05)`. */
export function replyText(version: 4 | 5, reply: number): string {
  if (reply === (version === 4 ? REPLY4_GRANTED : REPLY_SUCCEEDED)) return version === 4 ? 'granted' : 'succeeded';
  const words = meaningOf(version, reply)?.words ?? UNKNOWN;
  return `${words} (SOCKS${version} reply 0x${reply.toString(16).padStart(2, '0')})`;
}

const UNKNOWN = 'an unknown reply code';

function meaningOf(version: 4 | 5, reply: number): Meaning | undefined {
  return (version === 4 ? SOCKS4 : SOCKS5)[reply];
}

/** The error for a reply that is not a success. */
export function replyError(version: 4 | 5, reply: number): FdpassError {
  const known = meaningOf(version, reply);
  const words = known?.words ?? UNKNOWN;
  const message = `the proxy answered: ${replyText(version, reply)}`;
  return new FdpassError(known?.code ?? 'protocol', message, {
    hint: known?.hint,
    cause: new SocksReplyError(version, reply, words),
  });
}

/**
 * Reads a reply to its end, which `missing` finds (see {@link Connection.readThrough}). A proxy that closes before it has
 * refused: `ssh -D` does so when the far side cannot connect to the target.
 */
export function readReply(peer: Connection, missing: Missing, maxLength: number): Promise<Buffer> {
  let count = 0;
  const counting = (soFar: Buffer, seen = soFar): number => {
    count = seen.length;
    return missing(soFar, seen);
  };
  return peer.readThrough(counting, maxLength, 'the reply').catch((error: unknown) => {
    const isClose = isFdpassError(error) && (error.code === 'protocol' || error.code === 'unreachable');
    if (!isClose || count > 0) throw error;
    throw new FdpassError('unreachable', `${error.message}: the target refused or is unreachable`, {
      cause: error.cause,
    });
  });
}
