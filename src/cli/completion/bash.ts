import { type CompletionPlace, caseArms } from './table.ts';

/** A script for bash 3.2 (that of macOS) and newer. */
export function bashCompletion(places: readonly CompletionPlace[]): string {
  const words = (names: readonly string[]) => `echo '${names.join(' ')}'`;
  return `# bash completion for softprobe-proxy
# To have it always: softprobe-proxy completion bash > ~/.local/share/bash-completion/completions/softprobe-proxy
_softprobe_proxy_next() {
  case "$1" in
${caseArms(places, ({ next }) => words(next.map(({ name }) => name)))}
  esac
}
_softprobe_proxy_flags() {
  case "$1" in
${caseArms(places, ({ flags }) => words(flags.map(({ name }) => `--${name}`)))}
  esac
}
_softprobe_proxy_value_flags() {
  case "$1" in
${caseArms(places, ({ flags }) => words(flags.filter(({ takesValue }) => takesValue).map(({ name }) => `--${name}`)))}
  esac
}
_softprobe_proxy() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place='' word wants_value='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$wants_value" ]; then
      wants_value=''
      continue
    fi
    case "$word" in
      --) return ;;
      -*)
        case " $(_softprobe_proxy_value_flags "$place") " in
          *" $word "*) wants_value=1 ;;
        esac
        ;;
      *)
        case " $(_softprobe_proxy_next "$place") " in
          *" $word "*) place="\${place:+$place }$word" ;;
        esac
        ;;
    esac
  done
  # Nothing to offer means the names of files, by "-o default".
  if [ -n "$wants_value" ]; then return; fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$(_softprobe_proxy_flags "$place")" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$(_softprobe_proxy_next "$place")" -- "$current")) ;;
  esac
}
complete -o default -F _softprobe_proxy softprobe-proxy softprobe`;
}
