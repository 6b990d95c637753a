import { ERROR_CATALOGUE, type ErrorCause } from './error-catalogue.js';
import { wrap } from './help.js';
import { markdownTable } from './manual.js';
import { ERROR_STATUS, type ErrorStatus } from './usage.js';

/** What `fdpass help errors` prints. */
export function formatErrorList(): string {
  const lines = ERROR_STATUS.map(({ status, code, meaning }) => `  ${code.padEnd(12)}  ${status}  ${meaning}`);
  return [
    `Codes that error lines begin with, exit statuses, and what they mean:\n${lines.join('\n')}\n`,
    'Causes and remedies of one: fdpass help CODE\n',
  ].join('\n');
}

/** What `fdpass help CODE` prints. */
export function formatErrorHelp({ status, code, meaning }: ErrorStatus): string {
  const { about, causes, example } = ERROR_CATALOGUE[code];
  return [
    `[${code}] exit status ${status}: ${meaning}\n`,
    `${wrap(about, 0)}\n`,
    `Causes and remedies:\n${causes.map(causeHelp).join('\n')}\n`,
    `Example:\n${example.map((line) => `  ${line}`).join('\n')}\n`,
    'All codes: fdpass help errors\n',
  ].join('\n');
}

function causeHelp({ said, cause, remedy }: ErrorCause): string {
  return `${wrap(said, 2)}\n${wrap(`${sentence(cause)} ${sentence(remedy)}`, 8)}`;
}

function sentence(clause: string): string {
  return `${clause[0]?.toUpperCase()}${clause.slice(1)}.`;
}

const INTRODUCTION = `# Errors

An error of fdpass is one line on stderr. It begins with a code, says what failed as you wrote it (target, rule, hop), why, and
one thing to do:

\`\`\`text
fdpass: [CODE] TARGET: RULE: HOP: WHAT AND WHY; WHAT TO DO
\`\`\`

If several routes were tried, a line for each follows. ssh adds lines of its own, which say less.
\`fdpass help CODE\` prints the entry of this page for a code, and \`fdpass last-error\` repeats the last error where a program has
hidden it. With \`--json\` the error is one JSON object, and \`code\` is in it.
`;

/** docs/errors.md: `npm run docs` writes it. */
export function formatErrorsPage(): string {
  return [INTRODUCTION, ...ERROR_STATUS.map(section)].join('\n');
}

function section({ status, code, meaning }: ErrorStatus): string {
  const { about, causes, example } = ERROR_CATALOGUE[code];
  return [
    `## ${code}\n`,
    `Exit status ${status}: ${meaning}. ${about}\n`,
    markdownTable(
      ['the line says', 'cause', 'remedy'],
      causes.map(({ said, cause, remedy }) => [said, cause, remedy]),
    ),
    ['```console', ...example, '```', ''].join('\n'),
  ].join('\n');
}
