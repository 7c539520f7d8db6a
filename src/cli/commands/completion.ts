import type { Command } from '../command.ts';
import { flagValue } from '../flags.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/**
 * The command that prints what all of them can be told, itself included.
 *
 * @param all every command of the program; handed over, since this one is among them
 */
export function completionOf(
  all: () => Promise<readonly Command[]>,
  groups: Readonly<Record<string, string>>,
): Command {
  return {
    words: ['completion'],
    summary: 'Print a script that completes commands and flags in a shell',
    positionals: [{ name: 'shell', describe: shells.join(', ') }],
    examples: [
      ['completion bash', 'For bash: source <(softprobe-proxy completion bash), in ~/.bashrc'],
      ['completion zsh', 'For zsh: source <(softprobe-proxy completion zsh), in ~/.zshrc after compinit'],
      ['completion fish', 'For fish: softprobe-proxy completion fish | source, in config.fish'],
    ],
    async run({ args }) {
      const { readChoice } = await import('../flag-value.ts');
      const shell = readChoice('<shell>', flagValue(args, 'shell') ?? '', shells);
      const { completionTable } = await import('../completion/table.ts');
      const places = completionTable(await all(), groups);
      const { bashCompletion } = await import('../completion/bash.ts');
      const { fishCompletion } = await import('../completion/fish.ts');
      const { zshCompletion } = await import('../completion/zsh.ts');
      const write = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[shell];
      const script = write(places);
      return { text: script, fields: { shell, script } };
    },
  };
}
