import { FdpassError } from '@fdpass/core';
import type { OptionSyntax } from '../syntax.js';
import {
  type ConvertedHop,
  type Converter,
  DIRECTLY,
  letter,
  proxyAddress,
  readOptions,
  requireTarget,
  seconds,
  userAndPassword,
} from './conversion.js';

const long = (name: string, argument?: string, short?: string): OptionSyntax => ({
  name,
  ...(argument !== undefined && { argument }),
  ...(short !== undefined && { short }),
});

const OPTIONS = [
  long('proxy', 'PROXY'),
  long('proxy-type', 'TYPE'),
  long('proxy-auth', 'USER:PASSWORD'),
  long('proxy-dns', 'WHERE'),
  long('wait', 'TIME', 'w'),
  long('verbose', undefined, 'v'),
  letter('n'),
];

/** The schemes of a type: names looked up here, and by the proxy. */
const TYPES: Readonly<Record<string, { readonly local: string; readonly remote: string }>> = {
  http: { local: '', remote: 'http' },
  socks4: { local: 'socks4', remote: 'socks4a' },
  socks5: { local: 'socks5', remote: 'socks5h' },
};

/** Nmap's ncat(1): `ncat --proxy PROXY --proxy-type socks5 %h %p`. */
export const ncat: Converter = (words, environment) => {
  const args = readOptions('ncat', OPTIONS, words);
  requireTarget(args.operands);
  const proxy = args.value('proxy');
  if (proxy === undefined) return { hops: [DIRECTLY], timeout: seconds(args.value('wait')) };
  const scheme = schemeFor(args.value('proxy-type') ?? 'http', args.value('proxy-dns') ?? 'remote');
  const url = `${scheme}://${proxyAddress(proxy, scheme === 'http' ? 3128 : 1080)}`;
  const auth = args.value('proxy-auth') ?? environment['NCAT_PROXY_AUTH'];
  return { hops: [{ url, ...credentials(auth, scheme) }], timeout: seconds(args.value('wait')) };
};

function schemeFor(type: string, where: string): string {
  const scheme = TYPES[type]?.[where === 'local' ? 'local' : 'remote'];
  if (!scheme || !['local', 'remote'].includes(where))
    throw new FdpassError('config', 'its --proxy-type or --proxy-dns has no equivalent in fdpass');
  return scheme;
}

/** SOCKS 4 has a user and no password. */
function credentials(auth: string | undefined, scheme: string): Partial<ConvertedHop> {
  if (auth === undefined) return {};
  return scheme.startsWith('socks4') ? { username: auth } : userAndPassword(auth);
}
