import type { Connection } from '@fdpass/core';
import { answerTo } from './failure.js';
import { isRight, type Password } from './password.js';
import type { TunnelRequest } from './request.js';

/* The server's side of SOCKS 5: RFC 1928, and RFC 1929 for the password. */

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USERNAME_PASSWORD = 2;
const NO_ACCEPTABLE_METHODS = 0xff;
const AUTHENTICATION_VERSION = 1;
const CONNECT = 1;
const IPV4 = 1;
const DOMAIN_NAME = 3;
const IPV6 = 4;
const SUCCEEDED = 0;
const COMMAND_NOT_SUPPORTED = 7;
const ADDRESS_TYPE_NOT_SUPPORTED = 8;

/** What a conversation came to: a request, or the last words for a client that is not served. */
export type Talk = TunnelRequest | { readonly lastWords: Uint8Array };

/** Reads a client's request, its version included. @throws FdpassError `protocol` if it does not speak SOCKS 5. */
export async function talkSocks5(client: Connection, password: Password | undefined): Promise<Talk> {
  const method = await chooseMethod(client, password);
  if (method === NO_ACCEPTABLE_METHODS) return { lastWords: Buffer.from([VERSION, method]) };
  await client.write(Buffer.from([VERSION, method]));
  if (method === USERNAME_PASSWORD) {
    const isAccepted = await authenticate(client, password);
    const answer = Buffer.from([AUTHENTICATION_VERSION, isAccepted ? 0 : 1]);
    if (!isAccepted) return { lastWords: answer };
    await client.write(answer);
  }
  return readRequest(client);
}

/** A client that insists on a password can say any if none is wanted. */
async function chooseMethod(client: Connection, password: Password | undefined): Promise<number> {
  const [, count = 0] = await client.read(2, 'the greeting');
  const offered = count === 0 ? [] : [...(await client.read(count, 'the methods'))];
  const accepted = password === undefined ? [NO_AUTHENTICATION, USERNAME_PASSWORD] : [USERNAME_PASSWORD];
  return accepted.find((method) => offered.includes(method)) ?? NO_ACCEPTABLE_METHODS;
}

async function authenticate(client: Connection, password: Password | undefined): Promise<boolean> {
  await client.read(1, 'the version of the password');
  const given = { user: String(await readText(client)), password: String(await readText(client)) };
  return password === undefined || isRight(given, password);
}

async function readText(client: Connection): Promise<Buffer> {
  const [length = 0] = await client.read(1, 'a length');
  return length === 0 ? Buffer.alloc(0) : client.read(length, 'a text');
}

async function readRequest(client: Connection): Promise<Talk> {
  const [, command, , type = 0] = await client.read(4, 'the request');
  const host = await readHost(client, type);
  if (host === undefined) return { lastWords: encodeReply(ADDRESS_TYPE_NOT_SUPPORTED) };
  const port = (await client.read(2, 'the port')).readUInt16BE();
  if (command !== CONNECT) return { lastWords: encodeReply(COMMAND_NOT_SUPPORTED) };
  return {
    protocol: 'SOCKS 5',
    host,
    port,
    granted: encodeReply(SUCCEEDED),
    refused: (error) => encodeReply(answerTo(error).socks5),
  };
}

async function readHost(client: Connection, type: number): Promise<string | undefined> {
  if (type === DOMAIN_NAME) return String(await readText(client));
  if (type === IPV4) return [...(await client.read(4, 'the address'))].join('.');
  if (type !== IPV6) return undefined;
  return (await client.read(16, 'the address')).toString('hex').replace(/.{4}(?!$)/g, '$&:');
}

/** The address that the connection has at the far end is not known for every route, so none is told. */
function encodeReply(reply: number): Uint8Array {
  return Buffer.from([VERSION, reply, 0, IPV4, 0, 0, 0, 0, 0, 0]);
}
