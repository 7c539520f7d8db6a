import type { CaseDiff } from '../../cases/diff/case-diff.ts';
import type { Ignored } from '../../cases/diff/ignored.ts';
import type { CaseDocument } from '../../cases/index.ts';
import type { Command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readHeaderName } from '../flag-value.ts';
import { type Arguments, flagValue, flagValues, isSet } from '../flags.ts';

export const diff: Command = {
  words: ['diff'],
  summary: 'Compare two captures hop by hop',
  positionals: [
    { name: 'left', describe: 'A *.case.json file: what was' },
    { name: 'right', describe: 'A *.case.json file: what is' },
  ],
  flags: {
    noise: {
      type: 'boolean',
      describe: 'Also show what differs without meaning anything: ids, times, tokens',
    },
    ignore: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'Leave out what these select in JSON bodies; $ is the whole of any body: JSONPATH …',
    },
    'ignore-header': {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'Leave out these headers of requests and answers: NAME …',
    },
  },
  examples: [
    ['diff before.case.json after.case.json', 'Ends with 20 where they differ'],
    ['diff before.case.json after.case.json --noise', 'And what was taken for noise'],
    [
      "diff before.case.json after.case.json --ignore '$..stock' --ignore-header etag",
      'But for what is meant to differ',
    ],
    ['diff before.case.json after.case.json --json', 'For a program'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const { readCase } = await import('../case/read-case.ts');
    const { caseDiffText, summary } = await import('../case/case-diff-text.ts');
    const { progressLine } = await import('../progress.ts');
    using progress = progressLine(invocation);
    const ignored = await readIgnored(args);
    const left = await readCase(flagValue(args, 'left') ?? '', progress);
    const right = await readCase(flagValue(args, 'right') ?? '', progress);
    progress.begin(`comparing ${left.traces.length} hops with ${right.traces.length}`);
    const withNoise = isSet(args, 'noise');
    const found = await compared(left, right, ignored);
    const isDrift = found.added.length + found.removed.length + found.changed.length > 0;
    return {
      text: caseDiffText(found, { withNoise, withSummary: !(isDrift && isOnTerminal()) }),
      fields: {
        added: found.added,
        removed: found.removed,
        changed: found.changed.map(({ noise, ...hop }) => (withNoise ? { ...hop, noise } : hop)),
        ...(withNoise && { noisy: found.noisy.map(({ differences, ...hop }) => hop) }),
        unchangedCount: found.unchangedCount,
        noiseCount: found.noiseCount,
      },
      ...(isDrift && {
        exitCode: ExitCode.drift,
        error: { code: 'drift', message: `the captures differ: ${summary(found, withNoise)}` },
      }),
    };
  },
};

async function readIgnored(args: Arguments): Promise<Ignored> {
  const ignoreHeaders = flagValues(args, 'ignore-header').map((name) =>
    readHeaderName('--ignore-header', name),
  );
  const paths = flagValues(args, 'ignore');
  if (paths.length === 0) return { ignoreHeaders };
  const { compileJsonPath } = await import('../../cases/index.ts');
  const { readJsonPath } = await import('../json-path-value.ts');
  return { ignoreHeaders, ignorePaths: paths.map((path) => compileJsonPath(readJsonPath('--ignore', path))) };
}

async function compared(left: CaseDocument, right: CaseDocument, ignored: Ignored): Promise<CaseDiff> {
  const { diffCases } = await import('../../cases/diff/case-diff.ts');
  const { JsonPathLimitError } = await import('../../cases/json-path-evaluation.ts');
  try {
    return diffCases(left, right, ignored);
  } catch (cause) {
    if (!(cause instanceof JsonPathLimitError)) throw cause;
    throw new CliFailure(`--ignore: ${cause.message}`, { code: 'ignore_limit', cause });
  }
}

/** Both streams together show the summary of the error message too. */
function isOnTerminal(): boolean {
  return process.stdout.isTTY && process.stderr.isTTY;
}
