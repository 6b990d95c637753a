import { formatError, oneLine } from '@fdpass/core';
import { errorCodeOf, stackOf } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { errorJson } from './error-json.js';
import type { ProgramSyntax } from './syntax.js';

/** How an error is printed. */
export interface ErrorStyle {
  /** With the stack of a plugin's own error, or of a bug. Default false. */
  readonly withStack?: boolean;
  /** As one JSON object in a line. Default: in words. */
  readonly asJson?: boolean;
}

/** How a command line wants errors printed, even one that could not be taken apart. */
export function errorStyleOf(words: readonly string[], args: Arguments | undefined): ErrorStyle {
  const end = words.indexOf('--');
  const asJson = args?.flag('json') ?? words.slice(0, end === -1 ? words.length : end).includes('--json');
  return { withStack: (args?.count('verbose') ?? 0) >= 2, asJson };
}

/** The lines for stderr: one, and then the stack if asked to. */
export function errorLines({ name }: ProgramSyntax, error: unknown, { withStack, asJson }: ErrorStyle): string[] {
  const stack = withStack === true ? stackOf(error) : undefined;
  if (asJson === true) return [JSON.stringify({ ...errorJson(error), stack })];
  return [`${name}: ${withCode(errorCodeOf(error), formatError(error))}`, ...stackLines(stack)];
}

/** A message with its code in front, which `fdpass help` explains. */
export function withCode(code: string, message: string): string {
  return `[${code}] ${message}`;
}

/** A stack as lines that cannot drive a terminal. */
export function stackLines(stack: string | undefined): string[] {
  return stack === undefined ? [] : stack.split('\n').map((line) => `    ${oneLine(line)}`);
}
