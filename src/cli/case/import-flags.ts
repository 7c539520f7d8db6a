import { basename } from 'node:path';
import { Redactor } from '../../cases/index.ts';
import { readWord } from '../flag-value.ts';
import { type Arguments, type Flags, flagValue, isSet } from '../flags.ts';

/** Flags of the commands that make a case of something else. */
export const importFlags = {
  out: { type: 'string', requiresArg: true, describe: 'The case file to write' },
  'case-id': {
    type: 'string',
    requiresArg: true,
    defaultDescription: "the file's name",
    describe: 'Id of the case',
  },
  'no-redact': { type: 'boolean', describe: 'Keep credentials and cookies as they are' },
} as const satisfies Flags;

/** The id of the case: as said, else the name of the file without what says its format. */
export function readCaseId(args: Arguments, file: string): string {
  const said = flagValue(args, 'case-id');
  if (said !== undefined) return readWord('--case-id', said);
  const name = basename(file).replace(/(?:\.case|\.otlp)?\.(?:jsonl?|ndjson|har)$/i, '');
  return name === '' || name === '-' ? 'imported' : name;
}

/** What hides the usual secrets, unless they are to be kept. */
export function readRedactor(args: Arguments): Redactor | undefined {
  return isSet(args, 'no-redact') ? undefined : new Redactor();
}
