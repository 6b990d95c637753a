import { CONNECT, type CompletedCommand, type CompletedOption, LISTS, NAMED, optionsByKind } from './description.js';

/** A script for zsh, to be sourced after compinit, or put into a folder of fpath as `_fdpass`. */
export function zshScript(): string {
  return `#compdef fdpass
# fdpass for zsh: source <(fdpass completion zsh)
_fdpass() {
  local word command= previous= isArgument= kind=
  local -i count=0
  local -a commands options
  commands=(
${NAMED.map(({ name, summary }) => `    '${name}:${summary}'`).join('\n')}
  )
  for word in "\${(@)words[2,CURRENT-1]}"; do
    previous=$word
    if [[ -n $isArgument ]]; then isArgument=; continue; fi
    case $word in
      (${[...optionsByKind().values()].flat().join('|')}) isArgument=1 ;;
      (-*) ;;
      (*) (( count++ )) || command=$word ;;
    esac
  done
  case $command in
${NAMED.map(commandCase).join('\n')}
    (*) options=(${optionItems(CONNECT)}); (( count )) || kind=host ;;
  esac
  if [[ -n $isArgument ]]; then
    case $previous in
${[...optionsByKind()].map(([kind, names]) => `      (${names.join('|')}) kind='${kind}' ;;`).join('\n')}
    esac
  elif [[ $PREFIX == -* ]]; then
    _describe -o option options
    return
  fi
  case $kind in
    (file) _files ;;
    (host)
      [[ -n $command ]] || _describe command commands
      compadd -- \${(f)"$($words[1] completion ${LISTS.host} 2>/dev/null)"} ;;
    (hop) compadd -- \${(f)"$($words[1] completion ${LISTS.hop} 2>/dev/null)"} ;;
    (strategy) compadd -- \${(f)"$($words[1] completion ${LISTS.strategy} 2>/dev/null)"} ;;
    (profile) compadd -- \${(f)"$($words[1] completion ${LISTS.profile} 2>/dev/null)"} ;;
    (*) compadd -- \${=kind} ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _fdpass "$@"; else compdef _fdpass fdpass; fi
`;
}

function optionItems(options: readonly CompletedOption[]): string {
  return options.map(({ name, summary }) => `'--${name}:${summary}'`).join(' ');
}

function commandCase({ name, options, kinds }: CompletedCommand): string {
  const choices = kinds.map((kind, index) => `(${index + 1}) kind='${kind}' ;;`).join(' ');
  return `    (${name}) options=(${optionItems(options)})${choices === '' ? '' : `; case $count in ${choices} esac`} ;;`;
}
