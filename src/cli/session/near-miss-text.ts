import { type ApiAnswer, objectsIn } from '../control-api.ts';

/** Why a rule does not match, a line for each predicate that fails; values are those that the runtime tells. */
export function failedText(rule: ApiAnswer, margin: string): string[] {
  return objectsIn(rule, 'failed').map(({ pointer, expected, actual, hint }) => {
    const got = actual === undefined ? 'nothing' : JSON.stringify(actual);
    const more = typeof hint === 'string' ? ` (${hint})` : '';
    return `${margin}${pointer}: expected ${JSON.stringify(expected)}, got ${got}${more}`;
  });
}
