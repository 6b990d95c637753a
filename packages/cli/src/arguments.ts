import { FdpassError } from '@fdpass/core';
import { didYouMean, expandPath, isDigits, nearest, quoteUnknown } from '@fdpass/core/host';
import type { CommandSyntax, OptionSyntax, ProgramSyntax } from './syntax.js';

/** A command line taken apart. Options are checked against the program's own list. */
export interface Arguments {
  readonly command: CommandSyntax;
  readonly operands: readonly string[];
  flag(name: string): boolean;
  /** How many times a repeatable flag was given. */
  count(name: string): number;
  value(name: string): string | undefined;
  values(name: string): readonly string[];
  /** Where the option comes from: the option itself, such as `--via`, or a variable. */
  sourceOf(name: string): string;
}

/** How a command line is read. */
export interface ParseOptions {
  /** Options end at the first operand. Default false. */
  readonly stopAtOperand?: boolean | undefined;
  /** Its variables stand in for options that are not given. Default: none. */
  readonly environment?: Environment | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An option that the program does not have. */
interface UnknownOption {
  /** Without an argument, which can be a secret. */
  readonly written: string;
  /** The word to find a similar option for. */
  readonly near: string;
}

/**
 * Takes a command line apart by the program's options, in the habits of getopt_long(3): `--name value`, `--name=value`,
 * `-n value`, `-nvalue`, `-vv`; `--` ends the options.
 *
 * @throws FdpassError `usage`
 */
export function parseArguments(
  program: ProgramSyntax,
  argv: readonly string[],
  { stopAtOperand = false, environment = {} }: ParseOptions = {},
): Arguments {
  const given = new Map<string, string[]>();
  const unknown: (UnknownOption | undefined)[] = [];
  const operands: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      operands.push(...rest.splice(0));
    } else if (word.startsWith('--')) {
      unknown.push(takeLong(program, word, rest, given));
    } else if (word.startsWith('-') && word !== '-') {
      unknown.push(takeShort(program, word, rest, given));
    } else {
      const isLast = stopAtOperand || isOfCommand(program, operands);
      operands.push(word, ...(isLast ? rest.splice(0) : []));
    }
  }
  const command = stopAtOperand ? onlyCommand(program) : chooseCommand(program, operands);
  refuseUnknownOption(program, command, unknown.find(Boolean));
  refuseForeignOptions(program, command, given);
  const variables = takeVariables(program, command, environment, given);
  return {
    command,
    operands: command.name === '' ? operands : operands.slice(1),
    flag: (name) => given.has(name),
    count: (name) => given.get(name)?.length ?? 0,
    value: (name) => given.get(name)?.at(-1),
    values: (name) => given.get(name) ?? [],
    sourceOf: (name) => variables.get(name) ?? `--${name}`,
  };
}

/** Adds the options of the command that a variable gives, and returns which variable each of them is from. */
function takeVariables(
  { options }: ProgramSyntax,
  command: CommandSyntax,
  environment: Environment,
  given: Map<string, string[]>,
): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const option of options.filter(({ name }) => command.options.includes(name) && !given.has(name))) {
    const { name, variable = '' } = option;
    const values = readVariable(option, environment[variable]?.trim() ?? '', environment);
    if (values.length === 0) continue;
    given.set(name, values);
    sources.set(name, variable);
  }
  return sources;
}

/** The values that a variable gives for its option: a number for a flag, words for a list, an absolute path for a file. */
function readVariable(
  { argument, repeatable, variable }: OptionSyntax,
  text: string,
  environment: Environment,
): string[] {
  if (text === '') return [];
  if (argument === 'FILE') return [absolutePath(text, `${variable}`, environment)];
  if (argument !== undefined) return repeatable ? text.split(/\s+/) : [text];
  if (/^\d$/.test(text)) return Array<string>(Number(text)).fill('');
  throw new FdpassError('usage', `${variable} must be a number from 0 to 9`, { hint: `write ${variable}=2` });
}

function absolutePath(text: string, variable: string, { HOME }: Environment): string {
  if (/^~?\//.test(text)) return expandPath(text, '/', HOME);
  // Relative to the current directory it could be a stranger's file.
  throw new FdpassError('usage', `${variable} is not an absolute path`, {
    hint: `write ${variable}=/path/of/the/file`,
  });
}

/** Returns the option if the program does not have it: which option is similar depends on the command. */
function takeLong(
  program: ProgramSyntax,
  word: string,
  rest: string[],
  given: Map<string, string[]>,
): UnknownOption | undefined {
  const [name = '', inline] = splitOnce(word.slice(2), '=');
  const written = `--${name}`;
  const option = program.options.find((candidate) => candidate.name === name);
  if (option === undefined) return { written, near: written };
  if (option.argument === undefined) {
    if (inline !== undefined) throw usage(program, `the option ${written} takes no argument`);
    note(given, option, '');
    return undefined;
  }
  note(given, option, inline ?? argumentOf(program, written, option, rest));
  return undefined;
}

/** As {@link takeLong}, for a word that can hold several options. */
function takeShort(
  program: ProgramSyntax,
  word: string,
  rest: string[],
  given: Map<string, string[]>,
): UnknownOption | undefined {
  for (let i = 1; i < word.length; i++) {
    const written = `-${word[i]}`;
    const option = program.options.find((candidate) => candidate.short === word[i]);
    if (option === undefined) return { written, near: word };
    if (option.argument === undefined) {
      note(given, option, '');
      continue;
    }
    const attached = word.slice(i + 1);
    note(given, option, attached === '' ? argumentOf(program, written, option, rest) : attached);
    return undefined;
  }
  return undefined;
}

function argumentOf(program: ProgramSyntax, written: string, option: OptionSyntax, rest: string[]): string {
  const value = rest.shift();
  if (value !== undefined) return value;
  throw usage(program, `the option ${written} needs an argument: ${option.argument}`);
}

function note(given: Map<string, string[]>, option: OptionSyntax, value: string): void {
  const values = given.get(option.name) ?? [];
  given.set(option.name, [...values, value]);
}

/** Whether the next operand is the first word of a command with options of its own. */
function isOfCommand({ commands }: ProgramSyntax, [first, ...others]: readonly string[]): boolean {
  const { commandAfter } = commands.find(({ name }) => name === first) ?? {};
  return commandAfter !== undefined && others.length >= commandAfter;
}

/** Two operands of which the last is a number are always HOST and PORT; else the first may name a subcommand. */
function chooseCommand(program: ProgramSyntax, operands: readonly string[]): CommandSyntax {
  const [first = '', second = ''] = operands;
  const isConnect = operands.length === 2 && isDigits(second);
  if (isConnect || operands.length === 0) return onlyCommand(program);
  const commands = program.commands.filter(({ name }) => name !== '');
  const named = commands.find(({ name }) => name === first);
  return named ?? connectCommand(program, first, commands);
}

/** The connect form without a port; its host is perhaps a misspelt command. */
function connectCommand(program: ProgramSyntax, first: string, commands: readonly CommandSyntax[]): CommandSyntax {
  const names = commands.map(({ name }) => name);
  const hint = didYouMean(first, names);
  if (hint === undefined) return onlyCommand(program);
  throw new FdpassError('usage', `${JSON.stringify(first)} is not a command, and a host needs a port`, { hint });
}

function onlyCommand(program: ProgramSyntax): CommandSyntax {
  const [command] = program.commands;
  if (command === undefined) throw new FdpassError('internal', 'a program without a command');
  return command;
}

function refuseForeignOptions(
  program: ProgramSyntax,
  command: CommandSyntax,
  given: ReadonlyMap<string, unknown>,
): void {
  for (const name of given.keys()) {
    if (name === 'help' || name === 'version' || command.options.includes(name)) continue;
    throw usage(program, `${program.name} ${command.name} takes no option --${name}`);
  }
}

/** A word that is not close to an option is not repeated: it can be a password that begins with dashes. */
function refuseUnknownOption(program: ProgramSyntax, command: CommandSyntax, unknown: UnknownOption | undefined): void {
  if (unknown === undefined) return;
  const { written, near } = unknown;
  const known = ['help', 'version', ...command.options].map((name) => `--${name}`);
  const hint = didYouMean(near, known);
  const isLetter = written.length === '-x'.length;
  const isMisspelt =
    nearest(
      near,
      program.options.map(({ name }) => `--${name}`),
    ) !== undefined; // another command has it
  const message = isLetter || isMisspelt ? `unknown option ${JSON.stringify(written)}` : 'unknown option';
  throw hint === undefined ? usage(program, message) : new FdpassError('usage', message, { hint });
}

/** @throws FdpassError `usage` if there are more operands than `most`. */
export function checkCount(program: ProgramSyntax, { operands }: Arguments, most: number): void {
  if (operands.length > most)
    throw usage(program, `too many operands: ${operands.length} instead of ${most || 'none'}`);
}

/** The error for a first operand of `fdpass COMMAND` that is missing, or is not one of the `known` words. */
export function wrongWord(command: string, word: string | undefined, known: readonly string[]): FdpassError {
  const list = `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
  const instead = word === undefined ? '' : `, not ${quoteUnknown(word, known, 'this word')}`;
  return new FdpassError('usage', `${command} takes ${list}${instead}`, {
    hint: didYouMean(word ?? '', known) ?? `see: fdpass help ${command}`,
  });
}

/** A `usage` error that points at the help. */
export function usage(program: ProgramSyntax, message: string): FdpassError {
  return new FdpassError('usage', message, { hint: `see: ${program.name} --help` });
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
