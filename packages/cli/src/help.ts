import { EXIT_STATUS, type OptionSpec, type ProgramSpec } from './usage.js';

const WIDTH = 80;

/** What `--help` prints. */
export function formatHelp(program: ProgramSpec): string {
  const commands = program.commands.map((command) => {
    const words = [program.name, command.name, command.synopsis].filter(Boolean).join(' ');
    return `  ${words}\n${wrap(command.summary, 8)}`;
  });
  const options = program.options.map((option) => `  ${formatOption(option)}\n${wrap(option.help, 8)}`);
  const { exitNote } = program;
  const statuses = EXIT_STATUS.map(([code, what]) => `  ${String(code).padStart(2)}  ${what}`);
  return [
    `${program.name}: ${program.summary}\n`,
    `Usage:\n${commands.join('\n')}\n`,
    `Options:\n${options.join('\n')}\n`,
    `Exit status:\n${[...statuses, ...(exitNote === undefined ? [] : [wrap(exitNote, 2)])].join('\n')}\n`,
  ].join('\n');
}

/** An option as help and manual pages write it, e.g. `-c, --config FILE`. */
export function formatOption({ name, short, argument }: OptionSpec): string {
  const names = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return argument === undefined ? names : `${names} ${argument}`;
}

/** `text` in lines of at most 80 columns, each indented. */
function wrap(text: string, indent: number): string {
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
