import {
  COMMAND_NAMES,
  CONNECT,
  type CompletedCommand,
  type CompletedOption,
  LISTS,
  NAMED,
  optionsByKind,
} from './description.js';

/** A script for bash 3.2 and later. It takes the line apart itself, since bash cuts words at the colons of URLs. */
export function bashScript(): string {
  return `# fdpass for bash: source <(fdpass completion bash)
_fdpass() {
  local line=\${COMP_LINE:0:COMP_POINT} current= previous= command= word count=0 isArgument= kind= options=
  local -a words
  read -ra words <<<"$line"
  if [[ $line != *[[:space:]] ]]; then
    current=\${words[\${#words[@]}-1]}
    unset "words[\${#words[@]}-1]"
  fi
  for word in "\${words[@]:1}"; do
    previous=$word
    if [[ $isArgument ]]; then isArgument=; continue; fi
    case $word in
      ${[...optionsByKind().values()].flat().join(' | ')}) isArgument=1 ;;
      -*) ;;
      *) ((count++)) || command=$word ;;
    esac
  done
  case $command in
${NAMED.map(commandCase).join('\n')}
    *) options='${optionWords(CONNECT)}'; ((count)) || kind=host ;;
  esac
  if [[ $isArgument ]]; then
    case $previous in
${[...optionsByKind()].map(([kind, names]) => `      ${names.join(' | ')}) kind='${kind}' ;;`).join('\n')}
    esac
  elif [[ $current == -* ]]; then
    kind=$options
  fi
  case $kind in
    file)
      compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$current"))
      return ;;
    host)
      kind=$("$1" completion ${LISTS.host} 2>/dev/null)
      [[ $command ]] || kind+=' ${COMMAND_NAMES}' ;;
    hop) kind=$("$1" completion ${LISTS.hop} 2>/dev/null) ;;
    strategy) kind=$("$1" completion ${LISTS.strategy} 2>/dev/null) ;;
    profile) kind=$("$1" completion ${LISTS.profile} 2>/dev/null) ;;
  esac
  COMPREPLY=($(compgen -W "$kind" -- "$current"))
}
complete -F _fdpass fdpass
`;
}

function optionWords(options: readonly CompletedOption[]): string {
  return options.map(({ name }) => `--${name}`).join(' ');
}

function commandCase({ name, options, kinds }: CompletedCommand): string {
  const choices = kinds.map((kind, index) => `${index + 1}) kind='${kind}' ;;`).join(' ');
  return `    ${name}) options='${optionWords(options)}'${choices === '' ? '' : `; case $count in ${choices} esac`} ;;`;
}
