import { FdpassError } from '@fdpass/core';
import { expandPath, readTrustedFile } from '@fdpass/core/host';
import type { Arguments } from '../arguments.js';
import type { OptionSyntax } from '../syntax.js';
import { type ConvertedHop, type Converter, proxyAddress, readOptions, userAndPassword } from './conversion.js';

const option = (short: string, name: string, argument?: string): OptionSyntax => ({
  name,
  short,
  ...(argument !== undefined && { argument }),
});

const OPTIONS = [
  option('p', 'proxy', 'PROXY'),
  option('r', 'remproxy', 'PROXY'),
  option('d', 'dest', 'TARGET'),
  option('P', 'proxyauth', 'USER:PASSWORD'),
  option('R', 'remproxyauth', 'USER:PASSWORD'),
  option('F', 'passfile', 'FILE'),
  option('E', 'encrypt-proxy'),
  option('X', 'encrypt-remproxy'),
  option('q', 'quiet'),
  option('v', 'verbose'),
];

/** proxytunnel(1): `proxytunnel -p PROXY [-r SECOND_PROXY] -d %h:%p`. */
export const proxytunnel: Converter = (words) => {
  const args = readOptions('proxytunnel', OPTIONS, words);
  if (args.value('dest') !== '%h:%p' || args.operands.length > 0)
    throw new FdpassError('config', 'it does not connect to %h:%p');
  const near = hop(args, 'proxy', args.flag('encrypt-proxy'));
  if (near === undefined) throw new FdpassError('config', 'it names no proxy');
  const far = hop(args, 'remproxy', args.flag('encrypt-remproxy'));
  return { hops: far === undefined ? [near] : [near, far] };
};

function hop(args: Arguments, name: 'proxy' | 'remproxy', isEncrypted: boolean): ConvertedHop | undefined {
  const address = args.value(name);
  if (address === undefined) return undefined;
  const url = `${isEncrypted ? 'https' : 'http'}://${proxyAddress(address, isEncrypted ? 443 : 8080)}`;
  const auth = args.value(`${name}auth`) ?? fromFile(args.value('passfile'), name);
  return auth === undefined ? { url } : { url, ...userAndPassword(auth) };
}

/** `proxy_user=NAME` and `proxy_passwd=PASSWORD`, a line each; `remproxy_` for the second proxy. */
function fromFile(file: string | undefined, name: string): string | undefined {
  if (file === undefined) return undefined;
  const text = readTrustedFile(expandPath(file, '/'));
  const value = (key: string): string | undefined =>
    new RegExp(`^${name}_${key}[ \\t]*=[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trimEnd();
  const [user, password] = [value('user'), value('passwd')];
  return user === undefined ? undefined : [user, ...(password === undefined ? [] : [password])].join(':');
}
