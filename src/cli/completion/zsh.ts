import { type Completion, type CompletionPlace, caseArms } from './table.ts';

/** A script for zsh, to be evaluated after `compinit`, or to lie in a folder of `fpath` as `_softprobe-proxy`. */
export function zshCompletion(places: readonly CompletionPlace[]): string {
  const array = (entries: readonly Completion[], prefix = '') =>
    `reply=(${entries.map(({ name, describe }) => quoted(`${prefix}${name}:${describe}`)).join(' ')})`;
  return `#compdef softprobe-proxy softprobe
# zsh completion for softprobe-proxy
# To have it always: softprobe-proxy completion zsh > a folder of $fpath, under the name _softprobe-proxy
_softprobe_proxy_next() {
  case "$1" in
${caseArms(places, ({ next }) => array(next))}
  esac
}
_softprobe_proxy_flags() {
  case "$1" in
${caseArms(places, ({ flags }) => array(flags, '--'))}
  esac
}
_softprobe_proxy_value_flags() {
  case "$1" in
${caseArms(places, ({ flags }) => `reply=(${flags.flatMap(({ name, takesValue }) => (takesValue ? [`--${name}`] : [])).join(' ')})`)}
  esac
}
_softprobe_proxy() {
  local place='' word wants_value='' i
  local -a reply names
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n "$wants_value" ]]; then
      wants_value=''
      continue
    fi
    case "$word" in
      --)
        _files
        return
        ;;
      -*)
        _softprobe_proxy_value_flags "$place"
        if (( \${reply[(Ie)$word]} )); then wants_value=1; fi
        ;;
      *)
        _softprobe_proxy_next "$place"
        names=("\${(@)reply%%:*}")
        if (( \${names[(Ie)$word]} )); then place="\${place:+$place }$word"; fi
        ;;
    esac
  done
  if [[ -z "$wants_value" && "\${words[CURRENT]}" == -* ]]; then
    _softprobe_proxy_flags "$place"
    _describe -t flags flag reply
    return
  fi
  _softprobe_proxy_next "$place"
  if [[ -n "$wants_value" || \${#reply} -eq 0 ]]; then
    _files
  else
    _describe -t commands command reply
  fi
}
if [[ "$funcstack[1]" == '_softprobe-proxy' ]]; then
  _softprobe_proxy "$@"
else
  compdef _softprobe_proxy softprobe-proxy softprobe
fi`;
}

/** In single quotes. The first colon divides name and description, so those in the name's half would need escapes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
