import { isFdpassError } from '@fdpass/core';
import { parseArguments } from '../dist/arguments.js';
import { FDPASS, FDRECV } from '../dist/syntax.js';
import type { DocBlock } from './doc-blocks.spec.helper.js';

/** A command line in a page. */
export interface DocCommand {
  readonly page: string;
  readonly line: number;
  readonly words: readonly string[];
}

/** Command lines of `fdpass` and `fdrecv`: on lines of their own, in inline code, and inside a ProxyCommand. */
export function commandsIn(page: string, text: string, blocks: readonly DocBlock[]): DocCommand[] {
  const inline = text.split('\n').flatMap((line, at) => inlineCode(line).map((code) => ({ code, line: at + 1 })));
  const lines = blocks.filter(({ language }) => ['sh', 'console', 'sshconfig'].includes(language)).flatMap(linesOf);
  return [...lines, ...inline].flatMap(({ code, line }) => ours(code).map((words) => ({ page, line, words })));
}

/** What the real option parser says against it, if anything. */
export function objection(words: readonly string[]): string | undefined {
  const [name, ...argv] = words;
  const program = name === 'fdrecv' ? FDRECV : FDPASS;
  try {
    const { operands } = parseArguments(program, argv, { stopAtOperand: program === FDRECV });
    return program === FDRECV && operands[0] === 'fdpass' ? objection(operands) : undefined;
  } catch (error) {
    if (isFdpassError(error)) return error.message;
    throw error;
  }
}

function inlineCode(line: string): string[] {
  return [...line.matchAll(/`((?:fdpass|fdrecv) [^`]+)`/g)].map(([, code = '']) => code);
}

/**
 * Lines as a shell sees them: continued ones joined, prompts taken off; in a console only what follows a prompt, unless the page
 * itself shows that it is refused.
 */
function linesOf({ code, line, language }: DocBlock): { code: string; line: number }[] {
  const joined = code.replace(/\\\n\s*/g, ' ').split('\n');
  return joined
    .map((one, at) => ({ code: one.trim(), line: line + at }))
    .filter(({ code: one }) => language !== 'console' || /^[$#] /.test(one))
    .filter(({ line: at }) => !joined[at - line + 1]?.startsWith('fdpass: [usage]'))
    .map(({ code: one, line: at }) => ({ code: one.replace(/^[$#] /, ''), line: at }));
}

/** The commands of ours in a line. What stands behind three blanks or a hash is said about it. */
function ours(line: string): string[][] {
  const [code = ''] = line.replace(/^ProxyCommand\s+/, '').split(/\s{3,}|\s#\s/);
  return code.split(/\s*(?:\||&&|;)\s+/).flatMap((command) => {
    const words = shellWords(command);
    const proxyCommands = words.flatMap((word) => /^-?o?ProxyCommand[= ](.*)$/.exec(word)?.[1] ?? []);
    const start = words.findIndex((word) => !/^\w+=/.test(word)); // behind variables such as ALL_PROXY=…
    const own = ['fdpass', 'fdrecv'].includes(baseName(words[start])) ? [words.slice(start)] : [];
    return [...own.map(([name, ...rest]) => [baseName(name), ...rest]), ...proxyCommands.flatMap(ours)];
  });
}

function baseName(path = ''): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Words of a simple command, quotes taken off (sh(1), without expansions). */
export function shellWords(command: string): string[] {
  const word = /(?:[^\s'"]+|'[^']*'|"[^"]*")+/g;
  return (command.match(word) ?? []).map((one) => one.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}
