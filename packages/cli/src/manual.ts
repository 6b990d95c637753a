import { formatOption, formatSynopsis } from './help.js';
import { manCode, manList, manSection, manTerms, manText, manTitle, roff } from './roff.js';
import { type CommandSpec, describeStatus, EXIT_STATUS, MANUAL_DATE, type ProgramSpec } from './usage.js';

/*
 * The manual page and the Markdown page of a program, made from the same description as its --help. `npm run docs`
 * writes them; a test compares the files with what these functions give.
 */

/** A man(7) page for section 1. */
export function formatManPage(program: ProgramSpec): string {
  const { name, summary, description, commands, options, examples, environment, files, exitNote } = program;
  const others = ['fdpass', 'fdrecv'].filter((other) => other !== name);
  const lines = [
    manTitle(name, 1, MANUAL_DATE),
    ...manSection('NAME', [manText(`${name} - ${summary}`)]),
    '.SH SYNOPSIS',
    ...commands.flatMap((command, index) => [
      ...(index === 0 ? [] : ['.br']),
      `.B ${roff(`${name} ${command.name}`.trimEnd())}`,
      ...manText(command.synopsis),
    ]),
    ...manSection('DESCRIPTION', description.map(manText)),
    ...(commands.length < 2 ? [] : ['.SH COMMANDS', ...commands.flatMap((command) => manCommand(program, command))]),
    ...manList(
      'OPTIONS',
      options.map((option) => [formatOption(option).trim(), option.help]),
    ),
    ...manList(
      'EXIT STATUS',
      EXIT_STATUS.map((each) => [String(each.status), describeStatus(each)]),
    ),
    '.PP',
    ...manText(exitNote),
    ...manList('ENVIRONMENT', environment),
    ...manList('FILES', files),
    ...manSection(
      'EXAMPLES',
      examples.map(([code, what]) => [...manText(`${what}:`), ...manCode(code)]),
    ),
    '.SH SEE ALSO',
    ...others.map((other) => `.BR ${other} (1),`),
    '.BR fdpass\\-config (5),',
    '.BR ssh (1),',
    '.BR ssh_config (5),',
    '.BR nc (1)',
  ];
  return `${lines.join('\n')}\n`;
}

/** What a command does, and its examples as lines of a shell. */
function manCommand(program: ProgramSpec, command: CommandSpec): string[] {
  const { summary, examples = [] } = command;
  const code = examples.map(([line, what]) => `# ${what}\n${line}`).join('\n');
  return [
    ...manTerms([[formatSynopsis(program, command), summary]]),
    ...(code === '' ? [] : ['.sp', ...manCode(code)]),
  ];
}

/** The page in docs/. */
export function formatMarkdown(program: ProgramSpec): string {
  return [
    `# ${program.name}\n`,
    `${program.name}: ${program.summary}.\n`,
    ...program.description.map((paragraph) => `${paragraph}\n`),
    markdownTable(
      ['command', 'what it does'],
      program.commands.map((command) => [`\`${formatSynopsis(program, command)}\``, command.summary]),
    ),
    markdownTable(
      ['option', 'meaning'],
      program.options.map((option) => [`\`${formatOption(option).trim()}\``, option.help]),
    ),
    markdownTable(
      ['exit status', 'meaning'],
      EXIT_STATUS.map((each) => [String(each.status), describeStatus(each)]),
    ),
    `${program.exitNote}\n`,
    ...(program.environment.length > 0
      ? [
          markdownTable(
            ['variable', 'meaning'],
            program.environment.map(([name, what]) => [`\`${name}\``, what]),
          ),
        ]
      : []),
    ...(program.files.length > 0
      ? [
          markdownTable(
            ['file', 'meaning'],
            program.files.map(([path, what]) => [`\`${path}\``, what]),
          ),
        ]
      : []),
    ...program.examples.map(([code, what]) => `${what}:\n\n\`\`\`\n${code}\n\`\`\`\n`),
  ].join('\n');
}

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
