import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { BuiltProgram } from '../../cli/built-program.ts';

/** What a command of the built program came to. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /**
   * What it printed with `--json`; it fits the schema of its command (schemas/cli).
   *
   * @throws where the command line had no `--json`
   */
  readonly json: JsonResult;
}

export interface JsonResult extends Record<string, unknown> {
  readonly status: string;
  readonly exitCode: number;
  readonly error: { readonly code: string; readonly message: string; readonly details?: unknown } | null;
}

/**
 * Runs a command of the built program to its end. With `--json`, also checks that stdout is one document which fits
 * the schema of the command, and agrees with the exit code.
 *
 * @param options.env added to our environment, without what would steer the program
 * @param options.stdin what it reads from stdin; nothing where it is left out
 */
export async function cli(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; stdin?: string } = {},
): Promise<CommandResult> {
  const { code, stdout, stderr } = await new BuiltProgram(args, options).ended;
  const end = args.indexOf('--');
  const isJson = (end === -1 ? args : args.slice(0, end)).includes('--json');
  const json = isJson ? checkJson(args, code, stdout, stderr) : undefined;
  return {
    code,
    stdout,
    stderr,
    get json() {
      if (json === undefined) throw new Error(`no --json in ${args.join(' ')}`);
      return json;
    },
  };
}

/** Checks the document that a command printed with `--json`, for tests that run a command in their own way. */
export function checkJson(
  args: readonly string[],
  code: number | null,
  stdout: string,
  stderr = '',
): JsonResult {
  const line = `softprobe-proxy ${args.join(' ')}`;
  assert.notEqual(stdout, '', `${line} printed nothing; stderr: ${stderr}`);
  const value: unknown = JSON.parse(stdout);
  const schema = schemaOf(args);
  if (!ajv.validate(schema, value)) {
    assert.fail(`${line}: ${ajv.errorsText()} (${schema})\n${stdout}`);
  }
  const result = value as JsonResult;
  assert.equal(result.exitCode, code, line);
  assert.equal(result.error === null, code === 0, line);
  assert.equal(result.status, code === 0 ? 'ok' : code === 20 ? 'drift' : 'fail', line);
  return result;
}

const folder = fileURLToPath(new URL('../../../schemas/cli/', import.meta.url));
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
const names = readdirSync(folder).filter((name) => name.endsWith('.schema.json'));
for (const name of names) ajv.addSchema(JSON.parse(readFileSync(folder + name, 'utf8')));

/** The schema of the command that a line begins with; that of any result where it names none. */
function schemaOf(args: readonly string[]): string {
  if (args.includes('--version')) return 'cli/version.schema.json';
  const words = args.slice(
    0,
    Math.max(
      0,
      [...args, '-'].findIndex((word) => word.startsWith('-')),
    ),
  );
  for (let count = words.length; count > 0; count--) {
    const name = `${words.slice(0, count).join('-')}.schema.json`;
    if (names.includes(name)) return `cli/${name}`;
  }
  return 'cli/result.schema.json';
}
