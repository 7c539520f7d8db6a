import type { CaseRulesOptions } from '../cases/index.ts';
import { readChoice } from './flag-value.ts';
import { type Arguments, flagValue } from './flags.ts';

/** What a call gets whose URL was recorded, but with other bodies. */
export type UnknownBody = NonNullable<CaseRulesOptions['unknownBody']>;

const choices = ['miss', 'recorded-order'] as const satisfies readonly UnknownBody[];

/** The flag of the commands that answer calls from a case. */
export const unknownBodyFlag = {
  type: 'string',
  requiresArg: true,
  defaultDescription: 'miss',
  describe:
    'What a call gets whose URL is in the case, but not its body. recorded-order: the answers of that URL, one after the other (for services that write times or random ids into their calls)',
} as const;

/** @throws {UsageError} */
export function readUnknownBody(args: Arguments): UnknownBody | undefined {
  const text = flagValue(args, 'unknown-body');
  return text === undefined ? undefined : readChoice('--unknown-body', text, choices);
}
