import { FdpassError } from '@fdpass/core';
import {
  type Conversion,
  type ConvertedHop,
  type Converter,
  DIRECTLY,
  letter,
  proxyAddress,
  readOptions,
  requireTarget,
  seconds,
} from './conversion.js';

const OPTIONS = [
  letter('X', 'PROTOCOL'),
  letter('x', 'PROXY'),
  letter('P', 'USER'),
  letter('w', 'SECONDS'),
  letter('q', 'SECONDS'), // when to end after stdin has: the connection is the kernel's now
  ...['F', 'N', 'v'].map((flag) => letter(flag)),
];

/** What OpenBSD's nc(1) calls a proxy's protocol, our scheme for it, and the port it uses. Version 4 looks names up itself. */
const PROTOCOLS: Readonly<Record<string, readonly [scheme: string, port: number]>> = {
  4: ['socks4', 1080],
  5: ['socks5h', 1080],
  connect: ['http', 3128],
};

/** OpenBSD's nc: `nc -X connect -x PROXY %h %p`. */
export const nc: Converter = (words) => {
  const args = readOptions('nc', OPTIONS, words);
  requireTarget(args.operands);
  const proxy = args.value('x');
  const hop = proxy === undefined ? DIRECTLY : throughProxy(proxy, args.value('X') ?? '5', args.value('P'));
  return { hops: [hop], timeout: seconds(args.value('w')) } satisfies Conversion;
};

function throughProxy(proxy: string, protocol: string, username: string | undefined): ConvertedHop {
  const known = PROTOCOLS[protocol.toLowerCase()];
  if (known === undefined) throw new FdpassError('config', 'the protocol of its proxy is not 4, 5 or connect');
  const [scheme, port] = known;
  const url = `${scheme}://${proxyAddress(proxy, port)}`;
  return username === undefined || scheme !== 'http' ? { url } : { url, username, password: { ask: true } }; // as nc
}
