import { FdpassError, formatHostPort } from '@fdpass/core';
import { type Arguments, parseArguments } from '../arguments.js';
import type { OptionSyntax } from '../syntax.js';

/** Where a password comes from: the command line itself, a variable, or the user. */
export type PasswordSource = { readonly secret: string } | { readonly passwordEnv: string } | { readonly ask: true };

/** One hop of a route that does what a program of a ProxyCommand did. */
export type ConvertedHop =
  | {
      /** Without a user name and a password. */
      readonly url: string;
      readonly username?: string | undefined;
      readonly password?: PasswordSource | undefined;
    }
  /** As the config has it. */
  | { readonly use: unknown };

/** What a command line becomes. */
export interface Conversion {
  /** In travel order. */
  readonly hops: readonly ConvertedHop[];
  /** Seconds for the whole dial. Default: what the config says. */
  readonly timeout?: number | undefined;
}

/** Turns the arguments of one program into a route. @throws FdpassError, whose message says what stands in the way */
export type Converter = (words: readonly string[], environment: NodeJS.ProcessEnv) => Conversion;

export const DIRECTLY: ConvertedHop = { use: 'happy-eyeballs' };

/** Reads the arguments of a program that takes its options as getopt(3) has it; it has no options but these. */
export function readOptions(
  name: string,
  options: readonly OptionSyntax[],
  words: readonly string[],
  stopAtOperand = false,
): Arguments {
  const command = { name: '', options: options.map((option) => option.name) };
  return parseArguments({ name, commands: [command], options }, words, { stopAtOperand });
}

/** An option by its letter; `argument` for one that takes one. */
export function letter(short: string, argument?: string): OptionSyntax {
  return { name: short, short, ...(argument !== undefined && { argument }) };
}

/** @throws FdpassError if the words are not the target of the connection */
export function requireTarget(words: readonly string[], separator = ' '): void {
  if (words.join(separator) !== `%h${separator}%p`)
    throw new FdpassError('config', `it does not connect to %h${separator}%p`);
}

/** `HOST[:PORT]` or `[HOST]:PORT`, as a URL has it. @throws FdpassError */
export function proxyAddress(text: string, defaultPort: number): string {
  const [, bracketed, name = bracketed, port = String(defaultPort)] =
    /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  if (name === undefined || /[%/@\s]/.test(name))
    throw new FdpassError('config', 'the address of its proxy is not plain');
  return formatHostPort(name, Number(port));
}

/** `USER@rest` in two. */
export function splitUser(text: string): { readonly username?: string; readonly rest: string } {
  const at = text.lastIndexOf('@');
  return at === -1 ? { rest: text } : { username: text.slice(0, at), rest: text.slice(at + 1) };
}

/** `USER:PASSWORD` as credentials. A percent sign is written twice in ssh_config. */
export function userAndPassword(text: string): { readonly username: string; readonly password: PasswordSource } {
  const [username = '', ...rest] = text.split(':');
  return { username, password: rest.length === 0 ? { ask: true } : { secret: rest.join(':') } };
}

/** Seconds of a time-out option. @throws FdpassError */
export function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?s?$/.test(text)) return Number.parseFloat(text);
  throw new FdpassError('config', 'its time-out is not a number of seconds');
}
