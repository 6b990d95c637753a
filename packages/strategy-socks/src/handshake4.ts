import { type Connection, FdpassError } from '@fdpass/core';
import { REPLY4_GRANTED } from './constants.js';
import { replyError } from './reply.js';
import { encodeRequest4, REPLY4_LENGTH } from './socks4-wire.js';

export interface Request4 {
  /** An IPv4 literal, or for SOCKS 4a a name. */
  readonly host: string;
  readonly port: number;
  readonly userId: string;
}

/** The SOCKS 4 and 4a conversation: one request, one reply of eight bytes. */
export async function talkSocks4(peer: Connection, { host, port, userId }: Request4): Promise<void> {
  await peer.write(encodeRequest4(host, port, userId));
  const [version, reply = -1] = await peer.read(2, 'the reply');
  // The reply's version byte is 0; some servers send 4.
  if (version !== 0 && version !== 4) {
    throw new FdpassError('protocol', `the proxy does not speak SOCKS 4: its reply begins with byte ${version}`, {
      hint: 'try socks5://',
    });
  }
  if (reply !== REPLY4_GRANTED) throw replyError(4, reply);
  await peer.read(REPLY4_LENGTH - 2, 'the reply');
}
