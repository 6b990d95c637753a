import { COMMAND_NAMES, CONNECT, type CompletedOption, LISTS, NAMED, optionsByKind } from './description.js';

/** A script for fish, for ~/.config/fish/completions/fdpass.fish. */
export function fishScript(): string {
  return `# fdpass for fish: fdpass completion fish | source
function __fdpass_operands
    set -l is_argument 0
    for word in (commandline -opc)[2..-1]
        if test $is_argument = 1
            set is_argument 0
            continue
        end
        switch $word
            case ${[...optionsByKind().values()].flat().join(' ')}
                set is_argument 1
            case '-*'
            case '*'
                echo $word
        end
    end
end
# Whether the operand of this number is next, after this command.
function __fdpass_next
    set -l given (__fdpass_operands)
    test (count $given) -eq $argv[1]; and test "$given[1]" = "$argv[2]"
end
# Whether the command is one of these.
function __fdpass_in
    set -l given (__fdpass_operands)
    contains -- "$given[1]" $argv
end
${completions().join('\n')}
`;
}

function completions(): string[] {
  return [
    'complete -c fdpass -f',
    ...NAMED.map(({ name, summary }) => line('__fdpass_next 0', `-a ${name} -d '${summary}'`)),
    line('__fdpass_next 0', argument('host')),
    ...CONNECT.map((option) => optionLine(`not __fdpass_in ${COMMAND_NAMES}`, option)),
    ...NAMED.flatMap(({ name, options, kinds }) => [
      ...options.map((option) => optionLine(`__fdpass_in ${name}`, option)),
      ...kinds.map((kind, index) => line(`__fdpass_next ${index + 1} ${name}`, argument(kind))),
    ]),
  ];
}

function line(condition: string, what: string): string {
  return `complete -c fdpass -n '${condition}' ${what}`;
}

function optionLine(condition: string, { name, short, summary, kind }: CompletedOption): string {
  const names = `-l ${name}${short === undefined ? '' : ` -s ${short}`}`;
  return line(condition, `${names} -d '${summary}'${kind === undefined ? '' : ` -r ${argument(kind)}`}`.trimEnd());
}

/** What completes a word of this kind. */
function argument(kind: string): string {
  if (kind === 'file') return '-F';
  const list = kind in LISTS ? `(fdpass completion ${LISTS[kind as keyof typeof LISTS]} 2>/dev/null)` : kind;
  return list === '' ? '' : `-a '${list}'`;
}
