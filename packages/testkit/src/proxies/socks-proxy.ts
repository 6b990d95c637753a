import type { Socket } from 'node:net';
import { type Conversation, type ProxyOptions, startProxy, type TestProxy } from './proxy.js';

/** How {@link startSocksProxy} treats its clients. */
export interface SocksProxyOptions extends ProxyOptions {
  /** Wanted of SOCKS 5 clients (RFC 1929); SOCKS 4 clients are refused then. Default: nothing is wanted. */
  readonly password?: { readonly user: string; readonly password: string } | undefined;
}

const SOCKS4_GRANTED = 0x5a;
const NO_AUTHENTICATION = 0;
const USERNAME_PASSWORD = 2;
const NO_ACCEPTABLE_METHODS = 0xff;
const IPV4 = 1;
const DOMAIN_NAME = 3;
const IPV6 = 4;

/** Starts a proxy for SOCKS 4, 4a and 5 (CONNECT only); the caller closes it. */
export function startSocksProxy({ password, ...options }: SocksProxyOptions = {}): Promise<TestProxy> {
  return startProxy(async (conversation) => {
    const [version] = await conversation.source.read(1);
    if (version === 4 && password === undefined) return serve4(conversation);
    return version === 5 ? serve5(conversation, password) : undefined;
  }, options);
}

/** SOCKS4.protocol and SOCKS4A.protocol: an address 0.0.0.x says that a name follows the user. */
async function serve4({ source, client, reach }: Conversation): Promise<Socket> {
  const request = await source.read(7);
  await source.readThrough('\0');
  const isName = request.readUInt32BE(3) < 256;
  const name = isName ? (await source.readThrough('\0')).slice(0, -1) : '';
  const far = await reach(isName ? name : [...request.subarray(3)].join('.'), request.readUInt16BE(1));
  client.write(Buffer.from([0, SOCKS4_GRANTED, 0, 0, 0, 0, 0, 0]));
  return far;
}

async function serve5(
  { source, client, reach }: Conversation,
  password: SocksProxyOptions['password'],
): Promise<Socket | undefined> {
  const [count = 0] = await source.read(1);
  const offered = await source.read(count);
  const method = password === undefined ? NO_AUTHENTICATION : USERNAME_PASSWORD;
  client.write(Buffer.from([5, offered.includes(method) ? method : NO_ACCEPTABLE_METHODS]));
  if (!offered.includes(method)) return undefined;
  if (password !== undefined) {
    await source.read(1);
    const text = async (): Promise<string> => String(await source.read((await source.read(1))[0] ?? 0));
    const isRight = [await text(), await text()].join(':') === `${password.user}:${password.password}`;
    client.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return undefined;
  }
  const [, , , type = 0] = await source.read(4);
  const host = await readAddress(source, type);
  const far = await reach(host, (await source.read(2)).readUInt16BE());
  client.write(Buffer.from([5, 0, 0, IPV4, 127, 0, 0, 1, 0, 0]));
  return far;
}

async function readAddress(source: Conversation['source'], type: number): Promise<string> {
  if (type === IPV4) return [...(await source.read(4))].join('.');
  if (type === DOMAIN_NAME) return String(await source.read((await source.read(1))[0] ?? 0));
  if (type !== IPV6) throw new Error(`no address type ${type}`);
  return (await source.read(16)).toString('hex').replace(/.{4}(?!$)/g, '$&:');
}
