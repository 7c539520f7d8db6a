import {
  type CaseDocument,
  checkCase,
  InvalidDocumentError,
  normalizeTraces,
  OtlpError,
  type ValidationIssue,
  validateDocument,
} from '../../cases/index.ts';
import { InvalidScrubRulesError, Scrubber } from '../../cases/secrets/scrubber.ts';
import { Rulebook } from '../../runtime/rulebook.ts';
import type { Check } from './validate-documents.ts';

/** Rules are compiled as a session compiles them: whatever that refuses or warns of is told here. */
export const checkRules: Check = async (value) => {
  const { rules } = validateDocument('rules', value);
  return warningsOf(new Rulebook().setSessionRules(rules));
};

/** Hosts and answers are looked at as well. */
export const checkPolicy: Check = async (value) => {
  new Rulebook().setPolicy(validateDocument('policy', value));
  return [];
};

export const checkFixtures: Check = async (value) => {
  validateDocument('auth-fixtures', value);
  return [];
};

/** JSONPaths and patterns are compiled. */
export const checkScrubRules: Check = async (value) => {
  const rules = validateDocument('scrub-rules', value);
  try {
    new Scrubber(rules);
  } catch (error) {
    if (!(error instanceof InvalidScrubRulesError)) throw error;
    throw new InvalidDocumentError('scrub-rules', error.issues);
  }
  return [];
};

/** Its schema, its spans as OTLP has them, its rules; and the size guidance as warnings. */
export const checkCaseDocument: Check = async (value) => {
  const document = validateDocument('case', value);
  checkSpans(document);
  const warnings = new Rulebook().setCaseRules(document.rules ?? []);
  return [...checkCase(document), ...warningsOf(warnings)];
};

/** Most mistakes that are listed: enough to mend a document, too few to flood a terminal. */
const MAX_ISSUES = 20;

function checkSpans({ traces }: CaseDocument): void {
  const issues: ValidationIssue[] = [];
  for (const [index, payload] of traces.entries()) {
    try {
      normalizeTraces(payload);
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      issues.push(
        ...error.issues.map((issue) => ({ ...issue, pointer: `/traces/${index}${issue.pointer}` })),
      );
    }
    if (issues.length >= MAX_ISSUES) break;
  }
  if (issues.length > 0) throw new InvalidDocumentError('case', issues);
}

function warningsOf(warnings: readonly string[]): ValidationIssue[] {
  return warnings.map((message) => ({ pointer: '/rules', message }));
}
