import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders.ts';

export interface Options {
  readonly rounds: number;
  /** Length of one stretch of load. */
  readonly seconds: number;
  readonly only: ReadonlySet<string>;
  /** Print JSON instead of the table. */
  readonly json: boolean;
  /** Write the JSON to this file as well. */
  readonly out: string | undefined;
  /** A missed target is an error (exit code 1). */
  readonly assert: boolean;
}

const NAMES = CONTENDERS.map(({ name }) => name);

export const USAGE = `usage: npm run bench -- [options]

  --rounds N      rounds; each loads every contender once (default 7)
  --seconds N     length of one stretch of load (default 2, at most 5: a recording is kept in memory)
  --only A,B      only these: ${NAMES.join(', ')}
  --json          print JSON instead of the table
  --out FILE      write the JSON to a file as well
  --assert        exit 1 when a target is missed (otherwise it is only shown)
`;

/** @throws {TypeError} that names the flag, with what was expected */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string', default: NAMES.join() },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      assert: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    rounds: readCount('--rounds', values.rounds, 100),
    seconds: readCount('--seconds', values.seconds, 5),
    only: readNames(values.only),
    json: values.json,
    out: values.out,
    assert: values.assert,
  };
}

function readCount(flag: string, text: string, most: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new TypeError(`${flag}: expected a whole number from 1 to ${most}, got ${JSON.stringify(text)}`);
}

function readNames(text: string): ReadonlySet<string> {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined || names.length === 0) {
    throw new TypeError(
      `--only: expected some of ${NAMES.join(', ')}, got ${JSON.stringify(unknown ?? text)}`,
    );
  }
  return new Set(names);
}
