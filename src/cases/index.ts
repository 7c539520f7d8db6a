/**
 * What was seen: the exchange, its OTLP span form, the case file, lookup and redaction.
 *
 * The lowest layer of the house. No sockets, no sessions, no decisions; every other folder may import
 * from here and this one imports from none of them.
 */

export { fieldAttribute, intAttribute, stringAttribute } from './attribute.ts';
export { bodyAttribute } from './body.ts';
export { canonicalJson } from './canonical-json.ts';
export {
  CaseFileError,
  type CaseFileProblem,
  caseText,
  parseCase,
  readCaseFile,
  serializeCase,
  type WritableCase,
  writeCaseFile,
} from './case-file.ts';
export type { CaseHit, CaseResponse } from './case-hit.ts';
export { checkCase } from './case-size.ts';
export { type CaseSpan, spansOf, spansOfTraces } from './case-spans.ts';
export { ContentCodingError, decodeContent, encodeContent } from './content-coding.ts';
export type {
  AnyValue,
  AuthFixtures,
  CaseDocument,
  ErrorSpec,
  HopDescription,
  KeyValue,
  Policy,
  Resource,
  ResponseSpec,
  Rule,
  RulesDocument,
  ScrubRules,
  SessionRequest,
  Span,
  Then,
  TracesData,
  When,
} from './documents.generated.ts';
export type {
  Attribution,
  Direction,
  Exchange,
  ExtraRedaction,
  Failure,
  Hop,
  Outcome,
  RawHeaders,
  RecordedBody,
  RecordedResponse,
} from './exchange.ts';
export { headerOctets, headerValues, hopByHopNames, isHopByHop, recordedHeaders } from './headers.ts';
export { decodedBody, jsonBodyOf } from './hop-view.ts';
export {
  compileHostSuffix,
  type HostMatcher,
  HostSyntaxError,
  parseAuthority,
  portOf,
} from './host-match.ts';
export { IssueList, pointerTo } from './issue-list.ts';
export { compileJsonPath, JsonPathSyntaxError } from './json-path.ts';
export { JsonSyntaxError, parseJson } from './json-text.ts';
export { CaseLookupError, findAllInCase, findInCase } from './lookup.ts';
export { foldMethod } from './method.ts';
export { nearestWord } from './nearest-word.ts';
export { OtlpError } from './otlp-error.ts';
export { normalizeTraces } from './otlp-json.ts';
export { tracesFromProtobuf, tracesToProtobuf } from './otlp-protobuf.ts';
export { type CompiledWhen, compileWhen, holds, InvalidWhenError, type Predicate } from './predicate.ts';
export { COST } from './predicates/definition.ts';
export { Redactor, type RedactorOptions } from './redaction.ts';
export { IncompleteRecordingError, type RuleOverrides, ruleFromHit } from './replay-rule.ts';
export { type CaseRules, type CaseRulesOptions, rulesFromCase, type SkippedHop } from './rules-from-case.ts';
export { SoftprobeError } from './softprobe-error.ts';
export { tracesFromExchange } from './span.ts';
export { exchangeFromSpan, hopFromSpan } from './span-reader.ts';
export { millisecondsOf } from './span-time.ts';
export type { TraceContext } from './trace-context.ts';
export { isValidTraceparent, spanIdOf, traceIdOf } from './traceparent.ts';
export { splitUrl } from './url.ts';
export { InvalidDocumentError, type ValidationIssue, validateDocument } from './validation.ts';
