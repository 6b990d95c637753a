import type { Arguments } from '../arguments.js';
import {
  type ConvertedHop,
  type Converter,
  DIRECTLY,
  letter,
  type PasswordSource,
  proxyAddress,
  readOptions,
  requireTarget,
  seconds,
  splitUser,
} from './conversion.js';

const OPTIONS = [
  letter('H', 'PROXY'),
  letter('S', 'PROXY'),
  letter('R', 'WHERE'),
  letter('w', 'SECONDS'),
  ...['4', '5', 'd', 'n'].map((flag) => letter(flag)),
];

/** Gotoh's connect, which Debian calls connect-proxy(1): `connect -H [USER@]PROXY %h %p` or `-S`. */
export const connectProxy: Converter = (words, environment) => {
  const args = readOptions('connect', OPTIONS, words);
  requireTarget(args.operands);
  return { hops: [throughProxy(args, environment)], timeout: seconds(args.value('w')) };
};

function throughProxy(args: Arguments, environment: NodeJS.ProcessEnv): ConvertedHop {
  const [http, socks] = [args.value('H'), args.value('S')];
  if (http !== undefined) {
    const { username, rest } = splitUser(http);
    const url = `http://${proxyAddress(rest, 80)}`;
    return { url, username, password: passwordOf(username, environment, 'HTTP_PROXY_PASSWORD') };
  }
  if (socks === undefined) return DIRECTLY;
  const { username, rest } = splitUser(socks);
  const url = `${socksScheme(args.flag('4'), args.value('R'))}://${proxyAddress(rest, 1080)}`;
  if (args.flag('4')) return { url, username };
  return { url, username, password: passwordOf(username, environment, 'SOCKS5_PASSWORD') };
}

/** Who looks names up: with SOCKS 5 the proxy, with SOCKS 4 the program, unless -R says otherwise. */
function socksScheme(isVersion4: boolean, where = isVersion4 ? 'local' : 'remote'): string {
  if (isVersion4) return where === 'local' ? 'socks4' : 'socks4a';
  return where === 'local' ? 'socks5' : 'socks5h';
}

/** It takes the password from a variable, else it asks. */
function passwordOf(
  username: string | undefined,
  environment: NodeJS.ProcessEnv,
  variable: string,
): PasswordSource | undefined {
  if (username === undefined) return undefined;
  const passwordEnv = [variable, 'CONNECT_PASSWORD'].find((name) => environment[name]);
  return passwordEnv === undefined ? { ask: true } : { passwordEnv };
}
