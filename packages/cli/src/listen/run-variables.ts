import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { currentFolder, expandPath } from '@fdpass/core/host';
import type { Password } from '@fdpass/listen';
import type { Arguments } from '../arguments.js';

/** Variables of a program; undefined for one that it must not have. */
type Variables = Readonly<Record<string, string | undefined>>;

/** What never needs a proxy: programs and their children talk to each other there. */
const NO_PROXY = 'localhost,127.0.0.1,::1';

/** What makes the programs of a command use the proxy at `address`, and Node programs the rules themselves. */
export function proxyVariables(address: string, password: Password | undefined, given: NodeJS.ProcessEnv): Variables {
  const proxy = password === undefined ? address : `${password.user}:${password.password}@${address}`;
  const proxies: Variables = {
    ALL_PROXY: `socks5h://${proxy}`,
    HTTP_PROXY: `http://${proxy}`,
    HTTPS_PROXY: `http://${proxy}`,
    FTP_PROXY: undefined,
    NO_PROXY,
  };
  const lowerCase = Object.entries(proxies).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...proxies,
    ...Object.fromEntries(lowerCase),
    FDPASS_LISTENER: address,
    NODE_OPTIONS: [given['NODE_OPTIONS'], requireOption(registerFile())].filter(Boolean).join(' '),
  };
}

/** What makes an fdpass that the command runs, as for ssh, take the same routes. */
export function routeVariables(args: Arguments): Variables {
  const [config, via] = [args.value('config'), args.values('via')];
  return {
    ...(config !== undefined && { FDPASS_CONFIG: expandPath(config, currentFolder()) }),
    ...(via.length > 0 && { FDPASS_VIA: via.join(' ') }),
  };
}

/** Beside the launcher, which knows its package. */
function registerFile(): string {
  const [, launcher = ''] = process.argv;
  return join(realpathSync(launcher), '../../dist/register-if-able.cjs');
}

/**
 * Not `--import`: with that Node loads the program as it does ES modules, past what `--require ts-node/register` and the like
 * have put in its way, and a Node before 18.18 does not start at all.
 */
function requireOption(file: string): string {
  return `--require=${/[\s"\\]/.test(file) ? `"${file.replace(/["\\]/g, '\\$&')}"` : file}`;
}
