import {
  type Connection,
  FdpassError,
  firstAnswer,
  formatHostPort,
  type HandshakeReport,
  hintAtPeer,
  type Target,
} from '@fdpass/core';
import { REPLY4_GRANTED } from './constants.js';
import { readReply, replyError, replyText } from './reply.js';
import { encodeRequest4, missingReply4Bytes, REPLY4_LENGTH } from './socks4-wire.js';

export interface Request4 {
  /** For errors. */
  readonly proxy: Target;
  /** An IPv4 literal, or for SOCKS 4a a name. */
  readonly host: string;
  readonly port: number;
}

/** The proxy is silent while it connects to the target, so silence says little about it. */
const EXPECTED = {
  what: 'SOCKS reply',
  hint: 'check that it is a SOCKS 4 proxy, not an HTTP or TLS one, and that the target answers',
};

/** The SOCKS 4 and 4a conversation: one request, one reply of eight bytes. */
export async function talkSocks4(
  peer: Connection,
  { proxy, host, port }: Request4,
  userId: string,
  report: HandshakeReport,
): Promise<void> {
  await peer.write(encodeRequest4(host, port, userId));
  report.sent(`SOCKS4 CONNECT ${formatHostPort(host, port)}`);
  const answer = await firstAnswer(readReply(peer, missingReply4Bytes, REPLY4_LENGTH), { peer: proxy, ...EXPECTED });
  const [version, reply = -1] = answer;
  // The reply's version byte is 0; some servers send 4.
  if (version !== 0 && version !== 4) {
    throw new FdpassError('protocol', `the proxy does not speak SOCKS 4: its reply begins with byte ${version}`, {
      hint: hintAtPeer(answer, 'socks4a+tls') ?? 'try socks5h://',
    });
  }
  report.received(replyText(4, reply));
  if (reply !== REPLY4_GRANTED) throw replyError(4, reply);
}
