import type { CompletionPlace } from './table.ts';

/** A script for fish 3 and newer. */
export function fishCompletion(places: readonly CompletionPlace[]): string {
  const lines = places.flatMap(({ words, next, flags }) => {
    const at = `-n ${quoted(`__softprobe_proxy_at ${quoted(words)}`)}`;
    return [
      ...next.map(({ name, describe }) => `-f ${at} -a ${name} -d ${quoted(describe)}`),
      ...flags.map(
        ({ name, describe, takesValue }) =>
          `${at} -l ${name}${takesValue ? ' -r' : ''} -d ${quoted(describe)}`,
      ),
    ];
  });
  const valueFlags = new Set(
    places.flatMap(({ flags }) => flags.flatMap(({ name, takesValue }) => (takesValue ? [`--${name}`] : []))),
  );
  return `# fish completion for softprobe-proxy
# To have it always: softprobe-proxy completion fish > ~/.config/fish/completions/softprobe-proxy.fish
function __softprobe_proxy_at
    set -l place
    set -l wants_value 0
    for word in (commandline -opc)[2..-1]
        if test $wants_value = 1
            set wants_value 0
            continue
        end
        switch $word
            case --
                return 1
            case ${[...valueFlags].join(' ')}
                set wants_value 1
            case '-*'
            case '*'
                if contains -- "$place $word" ${placesAfterBlank(places)}
                    set place "$place $word"
                end
        end
    end
    test $wants_value = 0; and test "$place" = (test -n "$argv[1]"; and echo " $argv[1]"; or echo '')
end
${['softprobe-proxy', 'softprobe'].flatMap((program) => lines.map((line) => `complete -c ${program} ${line}`)).join('\n')}`;
}

/** Every place but the first, as the function above writes them: each word after a blank. */
function placesAfterBlank(places: readonly CompletionPlace[]): string {
  return places.flatMap(({ words }) => (words === '' ? [] : [`' ${words}'`])).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
