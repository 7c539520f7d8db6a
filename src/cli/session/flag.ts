import type { Invocation } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readWord } from '../flag-value.ts';
import { type Flags, flagValue } from '../flags.ts';

/** For commands that are about one session. */
export const sessionFlag = {
  session: {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'SOFTPROBE_SESSION_ID',
    describe: 'Id of the session',
  },
} as const satisfies Flags;

/** @throws {UsageError} where neither the flag nor SOFTPROBE_SESSION_ID names a session */
export function readSessionId({ args, environment }: Invocation): string {
  const flag = flagValue(args, 'session');
  if (flag !== undefined) return readWord('--session', flag);
  const variable = environment.SOFTPROBE_SESSION_ID;
  if (variable !== undefined && variable !== '') return readWord('SOFTPROBE_SESSION_ID', variable);
  throw new UsageError('which session? say --session ID, or set SOFTPROBE_SESSION_ID');
}

/** For commands that read one document. */
export function fileFlag(describe: string): Flags {
  return { file: { type: 'string', requiresArg: true, describe: `${describe} (JSON or YAML; - is stdin)` } };
}

/** @throws {UsageError} where a flag that is needed is not given */
export function demandFlag({ args }: Invocation, flag: string): string {
  const value = flagValue(args, flag);
  if (value === undefined || value === '') throw new UsageError(`--${flag}: this flag is needed`);
  return value;
}
