import { FdpassError } from '@fdpass/core';
import {
  type ConvertedHop,
  type Converter,
  DIRECTLY,
  letter,
  proxyAddress,
  readOptions,
  requireTarget,
  userAndPassword,
} from './conversion.js';

/** An address of socat(1) taken apart: `NAME:part:part,option=value`. */
interface Address {
  readonly parts: readonly string[];
  /** The value of an option. Those that nobody asks for have no equal here. */
  option(name: string): string | undefined;
}

const ADDRESSES: Readonly<Record<string, (address: Address) => ConvertedHop>> = {
  PROXY: httpProxy,
  'PROXY-CONNECT': httpProxy,
  SOCKS: (address) => socks4(address, 'socks4'),
  SOCKS4: (address) => socks4(address, 'socks4'),
  SOCKS4A: (address) => socks4(address, 'socks4a'),
  SOCKS5: socks5,
  'SOCKS5-CONNECT': socks5,
  TCP: directly,
  'TCP-CONNECT': directly,
  TCP4: (address) => directly(address, 4),
  TCP6: (address) => directly(address, 6),
  'UNIX-CONNECT': unixSocket,
  UNIX: unixSocket,
};

/** socat(1): `socat - PROXY:PROXY:%h:%p,proxyport=3128`. */
export const socat: Converter = (words) => {
  const { operands } = readOptions('socat', [letter('d'), letter('v')], words);
  const addresses = operands.filter((word) => !/^(-|stdio)$/i.test(word));
  const [address = ''] = addresses;
  if (operands.length !== 2 || addresses.length !== 1) throw new FdpassError('config', 'it does not connect stdio');
  return { hops: [hopOf(address)] };
};

function hopOf(text: string): ConvertedHop {
  const [place = '', ...written] = text.split(',');
  const [name = '', ...parts] = place.split(':');
  const convert = ADDRESSES[name.toUpperCase()];
  if (convert === undefined) throw new FdpassError('config', 'its address has no equivalent in fdpass');
  const options = new Map(written.map((option) => [option.split('=', 1)[0] ?? '', option.replace(/^[^=]*=?/, '')]));
  const hop = convert({ parts, option: (option) => takeFrom(options, option) });
  if (options.size > 0) throw new FdpassError('config', 'an option of its address has no equivalent in fdpass');
  return hop;
}

function takeFrom(options: Map<string, string>, name: string): string | undefined {
  const value = options.get(name);
  options.delete(name);
  return value;
}

function httpProxy({ parts: [proxy = '', ...target], option }: Address): ConvertedHop {
  requireTarget(target);
  const url = `http://${proxyAddress(`${proxy}:${option('proxyport') ?? 8080}`, 0)}`;
  const auth = option('proxyauth');
  return auth === undefined ? { url } : { url, ...userAndPassword(auth) };
}

function socks4({ parts: [proxy = '', ...target], option }: Address, scheme: string): ConvertedHop {
  requireTarget(target);
  return {
    url: `${scheme}://${proxyAddress(`${proxy}:${option('socksport') ?? 1080}`, 0)}`,
    username: option('socksuser'),
  };
}

/** `SOCKS5:PROXY[:PORT]:%h:%p`. */
function socks5({ parts, option }: Address): ConvertedHop {
  const [proxy = '', port = option('socksport') ?? '1080'] = parts.slice(0, -2);
  requireTarget(parts.slice(-2));
  return { url: `socks5h://${proxyAddress(`${proxy}:${port}`, 0)}` };
}

function directly({ parts }: Address, family?: 4 | 6): ConvertedHop {
  requireTarget(parts);
  return family === undefined ? DIRECTLY : { use: { strategy: 'happy-eyeballs', family } };
}

function unixSocket({ parts: [path = '', ...extra] }: Address): ConvertedHop {
  if (!path.startsWith('/') || extra.length > 0 || path.includes('%'))
    throw new FdpassError('config', 'the path of its socket is not absolute and plain');
  return { use: { strategy: 'local', path } };
}
