import { optionsOf } from '../help.js';
import { HELP_TOPICS } from '../help-topics.js';
import type { Operand } from '../syntax.js';
import { FDPASS_USAGE, type OptionSpec } from '../usage.js';

/** What a script completes of a command: its options, and what its operands can be. */
export interface CompletedCommand {
  /** '' for the connect form. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** For each operand, as {@link CompletedOption.kind}. */
  readonly kinds: readonly string[];
}

export interface CompletedOption {
  readonly name: string;
  readonly short?: string | undefined;
  readonly summary: string;
  /**
   * What its argument can be: host, hop, strategy, profile or file, or else the words themselves, which can be none. Undefined if it
   * takes none.
   */
  readonly kind: string | undefined;
}

/** The words after `fdpass completion` that list what is on the user's machine, by kind. */
export const LISTS = { host: 'hosts', hop: 'hops', strategy: 'strategies', profile: 'profiles' } as const;

/** The commands that are typed by name. */
export const NAMED: readonly CompletedCommand[] = FDPASS_USAGE.commands
  .filter(({ name }) => name !== '')
  .map((command) => ({
    name: command.name,
    summary: brief(command.summary),
    options: optionsOf(FDPASS_USAGE, command).map(completedOption),
    kinds: (command.operands ?? []).map(kindOf),
  }));

/** `fdpass HOST PORT`: its first operand can also be a command. */
export const CONNECT: readonly CompletedOption[] = FDPASS_USAGE.commands
  .filter(({ name }) => name === '')
  .flatMap((command) => optionsOf(FDPASS_USAGE, command).map(completedOption));

export const COMMAND_NAMES: string = NAMED.map(({ name }) => name).join(' ');

/** All options that take an argument, by what that can be: a script can then tell an argument from an operand. */
export function optionsByKind(): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, string[]>();
  for (const { name, short, kind } of FDPASS_USAGE.options.map(completedOption)) {
    if (kind === undefined) continue;
    const names = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
    kinds.set(kind, [...(kinds.get(kind) ?? []), ...names]);
  }
  return kinds;
}

function completedOption(option: OptionSpec): CompletedOption {
  const { name, short, help } = option;
  return { name, short, summary: brief(help), kind: kindOfArgument(option) };
}

function kindOfArgument({ name, argument }: OptionSpec): string | undefined {
  if (argument === undefined) return undefined;
  if (argument === 'FILE') return 'file';
  return name === 'via' ? 'hop' : '';
}

function kindOf(operand: Operand): string {
  if (operand === 'topic') return HELP_TOPICS.join(' ');
  return typeof operand === 'string' ? operand : operand.join(' ');
}

/** The first thought of a help text, without what a shell could take for syntax. */
function brief(text: string): string {
  return (text.split(/[:;(,]/)[0] ?? '').replace(/['"`$\\]/g, '').trim();
}
