import { formatOption } from './help.js';
import { type CommandSpec, EXIT_STATUS, type ProgramSpec } from './usage.js';

/*
 * The manual page and the Markdown page of a program, made from the same description as its --help. `npm run docs`
 * writes them; a test compares the files with what these functions give.
 */

/** A man(7) page for section 1. */
export function formatManPage(program: ProgramSpec): string {
  const upper = program.name.toUpperCase();
  const lines = [
    `.TH ${upper} 1 "" "fdpass" "User Commands"`,
    '.SH NAME',
    `${program.name} \\- ${roff(program.summary)}`,
    '.SH SYNOPSIS',
    ...program.commands.flatMap((command) => [
      '.br',
      `.B ${program.name} ${command.name}`.trimEnd(),
      roff(command.synopsis),
    ]),
    '.SH DESCRIPTION',
    ...program.description.flatMap((paragraph) => ['.PP', roff(paragraph)]),
    ...manSubcommands(program),
    '.SH OPTIONS',
    ...program.options.flatMap((option) => ['.TP', `.B ${roff(formatOption(option).trim())}`, roff(option.help)]),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, what]) => ['.TP', `.B ${code}`, roff(what)]),
    ...(program.exitNote === undefined ? [] : ['.PP', roff(program.exitNote)]),
    ...manList('ENVIRONMENT', program.environment),
    ...manList('FILES', program.files),
    '.SH EXAMPLES',
    ...program.examples.flatMap(([code, what]) => [
      '.PP',
      roff(`${what}:`),
      '.PP',
      '.nf',
      '.RS',
      roff(code),
      '.RE',
      '.fi',
    ]),
    '.SH SEE ALSO',
    `.BR ${program.name === 'fdpass' ? 'fdrecv' : 'fdpass'} (1),`,
    '.BR ssh (1),',
    '.BR ssh_config (5),',
    '.BR nc (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function manSubcommands({ name, commands }: ProgramSpec): string[] {
  if (commands.length < 2) return [];
  return [
    '.SH COMMANDS',
    ...commands.flatMap((command) => ['.TP', `.B ${roff(words(name, command))}`, roff(command.summary)]),
  ];
}

function manList(title: string, entries: readonly (readonly [string, string])[]): string[] {
  return entries.length === 0
    ? []
    : [`.SH ${title}`, ...entries.flatMap(([term, what]) => ['.TP', `.B ${roff(term)}`, roff(what)])];
}

/** Text as roff takes it: backslashes, dashes and leading dots or quotes escaped. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

/** The page in docs/. */
export function formatMarkdown(program: ProgramSpec): string {
  return [
    `# ${program.name}\n`,
    `${program.name}: ${program.summary}.\n`,
    ...program.description.map((paragraph) => `${paragraph}\n`),
    table(
      ['command', 'what it does'],
      program.commands.map((command) => [`\`${words(program.name, command)}\``, command.summary]),
    ),
    table(
      ['option', 'meaning'],
      program.options.map((option) => [`\`${formatOption(option).trim()}\``, option.help]),
    ),
    table(
      ['exit status', 'meaning'],
      EXIT_STATUS.map(([code, what]) => [String(code), what]),
    ),
    ...(program.exitNote === undefined ? [] : [`${program.exitNote}\n`]),
    ...(program.environment.length > 0
      ? [
          table(
            ['variable', 'meaning'],
            program.environment.map(([name, what]) => [`\`${name}\``, what]),
          ),
        ]
      : []),
    ...(program.files.length > 0
      ? [
          table(
            ['file', 'meaning'],
            program.files.map(([path, what]) => [`\`${path}\``, what]),
          ),
        ]
      : []),
    ...program.examples.map(([code, what]) => `${what}:\n\n\`\`\`\n${code}\n\`\`\`\n`),
  ].join('\n');
}

function words(program: string, { name, synopsis }: CommandSpec): string {
  return [program, name, synopsis].filter(Boolean).join(' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
