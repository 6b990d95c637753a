import type { Connection } from '@fdpass/core';
import type { Password } from './password.js';
import type { Talk } from './socks5.js';

/* The server's side of SOCKS 4 and 4a (SOCKS4.protocol, SOCKS4A.protocol). It has no password. */

const CONNECT = 1;
const GRANTED = 0x5a;
const REJECTED = 0x5b;
/** Nobody's user name or host name is longer. */
const MAX_TEXT = 512;

/** Reads a client's request, its version included. @throws FdpassError `protocol` if it does not speak SOCKS 4. */
export async function talkSocks4(client: Connection, password: Password | undefined): Promise<Talk> {
  const request = await client.read(8, 'the request');
  await readText(client, 'the user');
  // 4a: an address 0.0.0.x with x > 0 says that a name follows.
  const isName = request.readUInt32BE(4) > 0 && request.readUInt32BE(4) < 256;
  const host = isName ? await readText(client, 'the host') : [...request.subarray(4)].join('.');
  if (request[1] !== CONNECT || password !== undefined) return { lastWords: encodeReply(REJECTED) };
  return {
    protocol: 'SOCKS 4',
    host,
    port: request.readUInt16BE(2),
    granted: encodeReply(GRANTED),
    refused: () => encodeReply(REJECTED),
  };
}

async function readText(client: Connection, what: string): Promise<string> {
  const missing = (soFar: Buffer): number => (soFar.at(-1) === 0 ? 0 : 1);
  return String(await client.readThrough(missing, MAX_TEXT, what)).slice(0, -1);
}

function encodeReply(reply: number): Uint8Array {
  return Buffer.from([0, reply, 0, 0, 0, 0, 0, 0]);
}
