import type { SecretFinding } from '../../cases/secrets/scrubber.ts';
import type { Command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { flagValue, flagValues, isSet } from '../flags.ts';

/** What became of one file. */
interface ScrubbedFile {
  readonly path: string;
  /** Rewritten: only without `--check`, and only if something was found. */
  readonly changed: boolean;
  readonly findings: readonly SecretFinding[];
}

export const scrub: Command = {
  words: ['scrub'],
  summary: 'Take secrets out of case files, or check that none is in them',
  positionals: [{ name: 'files', describe: '*.case.json files', isList: true }],
  flags: {
    check: { type: 'boolean', describe: 'Change nothing; end with 1 where there is a secret' },
    rules: {
      type: 'string',
      requiresArg: true,
      describe: 'What else to hide: a file of headers, body paths and patterns (JSON or YAML)',
    },
    'secrets-file': {
      type: 'string',
      requiresArg: true,
      describe: 'Secrets to look for in any encoding, one a line',
    },
  },
  examples: [
    ['scrub captures/*.case.json', 'In place: what is secret by custom, or looks like a secret'],
    ['scrub checkout.case.json --rules scrub.yaml', 'And what the rules name'],
    ['scrub --check --secrets-file .secrets captures/*.case.json', 'For a hook or CI'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const { realpath } = await import('node:fs/promises');
    const { readCase } = await import('../case/read-case.ts');
    const { readScrubber } = await import('../case/scrub-rules.ts');
    const { rewriteCase, scrubCase } = await import('../case/scrub-case.ts');
    const { scrubText } = await import('../case/scrub-text.ts');
    const isCheck = isSet(args, 'check');
    const scrubber = await readScrubber(flagValue(args, 'rules'), flagValue(args, 'secrets-file'));
    const { progressLine } = await import('../progress.ts');
    using progress = progressLine(invocation);
    const files: ScrubbedFile[] = [];
    for (const path of flagValues(args, 'files')) {
      progress.show(path);
      const { document, findings } = scrubCase(scrubber, path, await readCase(path));
      const changed = !isCheck && findings.length > 0;
      // A link stays one: what it leads to is written.
      if (changed) await rewriteCase(await realpath(path), document);
      files.push({ path, changed, findings });
    }
    const bad = files.filter(({ findings }) => findings.length > 0);
    return {
      text: scrubText(files, isCheck),
      fields: { files },
      ...(isCheck &&
        bad.length > 0 && {
          exitCode: ExitCode.failure,
          error: {
            code: 'secrets_found',
            message: `secrets in ${bad.map(({ path }) => path).join(', ')}; \`softprobe-proxy scrub\` takes them out`,
          },
        }),
    };
  },
};
