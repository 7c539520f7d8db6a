import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import authFixtures from '../../schemas/auth-fixtures.schema.json' with { type: 'json' };
import caseFile from '../../schemas/case.schema.json' with { type: 'json' };
import error from '../../schemas/error.schema.json' with { type: 'json' };
import har from '../../schemas/har.schema.json' with { type: 'json' };
import hop from '../../schemas/hop.schema.json' with { type: 'json' };
import policy from '../../schemas/policy.schema.json' with { type: 'json' };
import response from '../../schemas/response.schema.json' with { type: 'json' };
import rule from '../../schemas/rule.schema.json' with { type: 'json' };
import rules from '../../schemas/rules.schema.json' with { type: 'json' };
import scrubRules from '../../schemas/scrub-rules.schema.json' with { type: 'json' };
import session from '../../schemas/session.schema.json' with { type: 'json' };
import when from '../../schemas/when.schema.json' with { type: 'json' };
import type { Documents } from './documents.generated.ts';
import { nearestWord } from './nearest-word.ts';
import { SoftprobeError } from './softprobe-error.ts';

/** One thing wrong with a document. */
export interface ValidationIssue {
  /** JSON Pointer (RFC 6901) to the offending value; '' is the document itself. */
  readonly pointer: string;
  /** What was expected, in one sentence. */
  readonly message: string;
}

/** A document that does not fit its schema. `issues` is never empty. */
export class InvalidDocumentError extends SoftprobeError {
  override readonly name = 'InvalidDocumentError';
  readonly document: keyof Documents;
  readonly issues: readonly ValidationIssue[];

  constructor(document: keyof Documents, issues: readonly ValidationIssue[]) {
    const [first] = issues;
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    super(`not a valid ${document} document: ${first?.pointer || '/'} ${first?.message ?? ''}${more}`);
    this.document = document;
    this.issues = issues;
  }
}

/** Most issues that one answer lists: enough to mend a document, too few to flood a terminal. */
const MAX_ISSUES = 20;

const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictRequired: false });
ajv.addKeyword('tsType');
ajv.addSchema([when, response, error, rule, policy, caseFile]);

const schemas = {
  rules,
  policy,
  session,
  hop,
  'auth-fixtures': authFixtures,
  case: caseFile,
  'scrub-rules': scrubRules,
  har,
};
const validators = new Map<string, ValidateFunction>();

function validatorOf(document: keyof Documents): ValidateFunction {
  let validate = validators.get(document);
  if (validate === undefined) {
    const schema = schemas[document];
    validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
    validators.set(document, validate);
  }
  return validate;
}

/**
 * Checks a value against the schema of its kind of document. Nothing is coerced or filled in.
 *
 * @throws {InvalidDocumentError} with a JSON Pointer for each mistake; an unknown key is named together with
 * the nearest known one
 */
export function validateDocument<Kind extends keyof Documents>(kind: Kind, value: unknown): Documents[Kind] {
  const validate = validatorOf(kind);
  if (!validate(value)) throw new InvalidDocumentError(kind, describeErrors(validate.errors ?? []));
  return value as Documents[Kind];
}

function describeErrors(errors: readonly ErrorObject[]): ValidationIssue[] {
  const issues = new Map<string, ValidationIssue>();
  for (const failure of errors) {
    // `if` only repeats what its `then` said; the branches of an anyOf are summed up by the anyOf itself.
    if (failure.keyword === 'if' || isBranchOfAnyOf(failure)) continue;
    const issue = describeError(failure);
    issues.set(`${issue.pointer} ${issue.message}`, issue);
    if (issues.size === MAX_ISSUES) break;
  }
  return [...issues.values()];
}

function isBranchOfAnyOf({ schemaPath }: ErrorObject): boolean {
  return /\/anyOf\/\d+\//.test(schemaPath);
}

function describeError(failure: ErrorObject): ValidationIssue {
  const { instancePath, keyword, params, parentSchema, data } = failure;
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const known = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {});
      return {
        pointer: `${instancePath}/${escapePointer(key)}`,
        message: `unknown key ${JSON.stringify(key)}${suggest(key, known) || `; known: ${known.join(', ')}`}`,
      };
    }
    case 'required':
      return {
        pointer: instancePath,
        message: `the key ${JSON.stringify(params.missingProperty)} is missing`,
      };
    case 'enum':
      return {
        pointer: instancePath,
        message: `expected one of ${listValues(params.allowedValues)}, got ${describeValue(data)}${
          typeof data === 'string' ? suggest(data, params.allowedValues as string[]) : ''
        }`,
      };
    case 'const':
      return {
        pointer: instancePath,
        message: `expected ${JSON.stringify(params.allowedValue)}, got ${describeValue(data)}`,
      };
    case 'type':
      return {
        pointer: instancePath,
        message: `expected ${[params.type].flat().join(' or ')}, got ${describeValue(data)}`,
      };
    case 'anyOf': {
      const branches = (failure.schema as { type?: string }[]).map(({ type }) => type ?? 'another shape');
      return {
        pointer: instancePath,
        message: `expected ${branches.join(' or ')}, got ${describeValue(data)}`,
      };
    }
    default:
      return { pointer: instancePath, message: `${failure.message ?? keyword}, got ${describeValue(data)}` };
  }
}

/** ` (did you mean "priority"?)` where a known word is near, else nothing. */
function suggest(word: string, known: readonly string[]): string {
  const near = nearestWord(word, known);
  return near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`;
}

function listValues(values: unknown): string {
  return (values as unknown[]).map((value) => JSON.stringify(value)).join(', ');
}

/** The kind of a value, and a short one itself: a message must not carry a whole document back. */
function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 40 ? text : `a ${typeof value} of ${text.length} characters`;
}

function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}
