import { basename } from 'node:path';
import { FdpassError, isFdpassError } from '@fdpass/core';
import { connectProxy } from './connect-proxy.js';
import type { Conversion, Converter } from './conversion.js';
import { corkscrew } from './corkscrew.js';
import { nc } from './nc.js';
import { ncat } from './ncat.js';
import { proxytunnel } from './proxytunnel.js';
import { shellWords } from './shell-words.js';
import { socat } from './socat.js';
import { ssh } from './ssh.js';

const PROGRAMS: Readonly<Record<string, Converter>> = {
  nc: (words, environment) => (isNcat(words) ? ncat : nc)(words, environment),
  netcat: (words, environment) => (isNcat(words) ? ncat : nc)(words, environment),
  'nc.openbsd': nc,
  ncat,
  connect: connectProxy,
  'connect-proxy': connectProxy,
  corkscrew,
  proxytunnel,
  socat,
  ssh,
};

/** Some systems call Nmap's program nc. */
function isNcat(words: readonly string[]): boolean {
  return words.some((word) => word.startsWith('--'));
}

/** A percent sign is written twice in ssh_config. @throws FdpassError for tokens that mean nothing in a config */
function withoutTokens(word: string): string {
  if (/%[^%hp]/.test(word.replaceAll('%%', ''))) throw new FdpassError('config', 'it uses a token besides %h and %p');
  return word.replaceAll('%%', '%');
}

/** What a ProxyCommand becomes, or why it cannot. */
export type ConvertedCommand =
  | { readonly program: string; readonly conversion: Conversion }
  | { readonly program: string; readonly why: string };

/** Converts the value of a ProxyCommand. What is said of it never quotes an argument, which can be a secret. */
export function convertCommand(command: string, environment: NodeJS.ProcessEnv): ConvertedCommand {
  let program = 'its command';
  try {
    const [first = '', ...words] = shellWords(command).map(withoutTokens);
    const name = basename(first);
    if (!/^[\w.+-]+$/.test(name)) throw new FdpassError('config', 'it is not a plain command');
    program = name;
    const convert = PROGRAMS[name];
    if (convert === undefined) throw new FdpassError('config', 'it is not one of the programs that fdpass init knows');
    return { program, conversion: convert(words, environment) };
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return { program, why: error.message };
  }
}
