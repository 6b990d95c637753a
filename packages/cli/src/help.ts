import { type CommandSpec, describeStatus, EXIT_STATUS, type OptionSpec, type ProgramSpec } from './usage.js';

const WIDTH = 80;

/** What `--help` prints. */
export function formatHelp(program: ProgramSpec): string {
  const commands = program.commands.map((command) => {
    return `${wrap(formatSynopsis(program, command), 2)}\n${wrap(command.summary, 8)}`;
  });
  const options = program.options.map(optionHelp);
  const { exitNote } = program;
  const statuses = EXIT_STATUS.map((each) => `  ${String(each.status).padStart(2)}  ${describeStatus(each)}`);
  return [
    `${wrap(`${program.name}: ${program.summary}`, 0)}\n`,
    `Usage:\n${commands.join('\n')}\n`,
    `Options:\n${options.join('\n')}\n`,
    `Exit status:\n${[...statuses, wrap(exitNote, 2)].join('\n')}\n`,
  ].join('\n');
}

/** What `--help` prints for one of the commands. */
export function formatCommandHelp(program: ProgramSpec, command: CommandSpec): string {
  const { examples = [] } = command;
  const options = optionsOf(program, command).map(optionHelp);
  return [
    `Usage:\n${wrap(formatSynopsis(program, command), 2)}\n${wrap(command.summary, 8)}\n`,
    `Options:\n${options.join('\n')}\n`,
    ...(examples.length === 0
      ? []
      : [`Examples:\n${examples.map(([code, what]) => `  ${code}\n${wrap(what, 8)}`).join('\n')}\n`]),
    `All commands and exit statuses: ${program.name} --help\n`,
  ].join('\n');
}

/** The options that a command takes, those of every command included. */
export function optionsOf(program: ProgramSpec, command: CommandSpec): OptionSpec[] {
  const names = new Set([...command.options, 'help', 'version']);
  return program.options.filter(({ name }) => names.has(name));
}

/** A command as it is typed, e.g. `fdpass explain [options] HOST [PORT]`. */
export function formatSynopsis({ name: program }: ProgramSpec, { name, synopsis }: CommandSpec): string {
  return [program, name, synopsis].filter(Boolean).join(' ');
}

function optionHelp(option: OptionSpec): string {
  return `  ${formatOption(option)}\n${wrap(option.help, 8)}`;
}

/** An option as help and manual pages write it, e.g. `-c, --config FILE`. */
export function formatOption({ name, short, argument }: OptionSpec): string {
  const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return argument === undefined ? names : `${names} ${argument}`;
}

/** `text` in lines of at most 80 columns, each indented. */
export function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each).join('\n');
}
