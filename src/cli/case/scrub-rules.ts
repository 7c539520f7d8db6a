import { InvalidDocumentError, type ScrubRules, validateDocument } from '../../cases/index.ts';
import { MIN_SECRET_LENGTH } from '../../cases/secrets/known-secret.ts';
import { InvalidScrubRulesError, Scrubber } from '../../cases/secrets/scrubber.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { type InputDocument, inDocument, readInput, readWhole } from '../input-document.ts';

/**
 * Makes what finds secrets, of a rules file (schemas/scrub-rules.schema.json) and a file of secrets.
 *
 * @throws {CliFailure} with the lines of all mistakes
 */
export async function readScrubber(rulesFile?: string, secretsFile?: string): Promise<Scrubber> {
  const secrets = secretsFile === undefined ? [] : await readSecrets(secretsFile);
  if (rulesFile === undefined) return new Scrubber({}, secrets);
  return scrubberOf(await readInput(rulesFile), secrets);
}

/** @throws {CliFailure} with the lines of all mistakes */
export async function scrubberOf(input: InputDocument, secrets: readonly string[] = []): Promise<Scrubber> {
  try {
    const rules: ScrubRules = validateDocument('scrub-rules', input.value);
    return new Scrubber(rules, secrets);
  } catch (error) {
    if (!(error instanceof InvalidDocumentError || error instanceof InvalidScrubRulesError)) throw error;
    const failure = new CliFailure(error.message, {
      exitCode: ExitCode.invalidDocument,
      code: 'invalid_rules',
      details: error.issues,
      cause: error,
    });
    throw await inDocument(input, failure);
  }
}

/**
 * One secret a line; or, for secrets of several lines, a list of texts in JSON or YAML. Messages name lines only:
 * nobody wants to read the secrets themselves.
 */
async function readSecrets(path: string): Promise<string[]> {
  const { name, text, value } = await readText(path);
  const secrets = Array.isArray(value) ? value : text.split(/\r?\n/).map((line) => line.trim());
  return secrets.flatMap((secret: unknown, index) => {
    if (secret === '') return [];
    if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH) return [secret];
    const place = Array.isArray(value) ? `element ${index + 1}` : `line ${index + 1}`;
    throw new CliFailure(
      `${name}: ${place} is no text of at least ${MIN_SECRET_LENGTH} characters; anything shorter would be found everywhere`,
      { exitCode: ExitCode.invalidDocument, code: 'invalid_secrets' },
    );
  });
}

/** A list of secrets need not be a document: a line may be anything. */
async function readText(path: string): Promise<{ name: string; text: string; value: unknown }> {
  const text = (await readWhole(path)).toString('utf8');
  return {
    name: path,
    text,
    value: /^\s*(?:\[|- ["'|>])/.test(text) ? (await readInput(path)).value : undefined,
  };
}
