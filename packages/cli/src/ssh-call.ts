import { basename } from 'node:path';
import { isFdpassError } from '@fdpass/core';
import { type Arguments, parseArguments } from './arguments.js';
import { shellWords } from './init/shell-words.js';
import type { SshSettings } from './ssh-settings.js';
import { FDPASS } from './syntax.js';

/** How a ProxyCommand calls fdpass. */
export interface FdpassCall {
  /** What comes before the arguments: the launcher, perhaps after a Node and variables. */
  readonly launcher: readonly string[];
  /** Its arguments, if fdpass takes them. */
  readonly args: Arguments | undefined;
  /** Why it does not. */
  readonly objection: string | undefined;
}

/** A word that ends in our name, with or without a path and quotes. */
const FDPASS_WORD = /(^|[\s'"/])fdpass(\.cjs)?(['"\s]|$)/;

/** Whether a command line of a shell names fdpass. */
export function mentionsFdpass(command: string): boolean {
  return FDPASS_WORD.test(command);
}

/** Takes a ProxyCommand apart as ssh and a shell do. Undefined if only a shell can. */
export function findFdpassCall(command: string, settings: SshSettings): FdpassCall | undefined {
  const words = plainWords(fillTokens(command, settings));
  const at = words?.findIndex((word) => /^fdpass(\.cjs)?$/.test(basename(word))) ?? -1;
  if (words === undefined || at === -1) return undefined;
  const launcher = words.slice(0, at + 1);
  const assigned = launcher.flatMap((word) => /^(\w+)=(.*)$/s.exec(word)?.slice(1) ?? []);
  const environment = { ...process.env, ...pairs(assigned) };
  try {
    const args = parseArguments(FDPASS, words.slice(at + 1), { environment });
    return { launcher, args, objection: objectionTo(args) };
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return { launcher, args: undefined, objection: error.message };
  }
}

/** ssh wants a connection, and no other command gives one. */
function objectionTo({ command, operands }: Arguments): string | undefined {
  if (command.name !== '' && command.name !== 'connect') return `"fdpass ${command.name}" opens no connection for ssh`;
  if (operands.length === 2) return undefined;
  return operands.length < 2 ? '%h or %p is missing' : 'it has words besides %h and %p';
}

/** Undefined if only a shell can tell them. Variables such as `$HOME` are those of our environment. */
function plainWords(line: string): string[] | undefined {
  const expanded = line.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => process.env[braced ?? bare] ?? '');
  try {
    return shellWords(expanded);
  } catch (error) {
    if (isFdpassError(error)) return undefined;
    throw error;
  }
}

/** The tokens of a ProxyCommand (ssh_config(5), TOKENS). */
export function fillTokens(command: string, settings: SshSettings): string {
  const values: Readonly<Record<string, string | undefined>> = {
    '%': '%',
    h: settings.value('hostname'),
    k: settings.value('hostkeyalias') ?? settings.host,
    n: settings.host,
    p: settings.value('port'),
    r: settings.value('user'),
  };
  return command.replace(/%([%hknpr])/g, (token, letter: string) => values[letter] ?? token);
}

function pairs(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
}
