// Generated from schemas/ by `npm run schema-types`. Do not edit.

export type Then = {
  action: 'mock' | 'error' | 'passthrough' | 'capture_only' | 'replay';
  response?: ResponseSpec;
  error?: ErrorSpec;
  captureOnly?: CaptureOnly;
};
export type Attributes = KeyValue[];
export type Fields = HarField[];
export type Cookies = HarCookie[];

export interface Documents {
  rules: RulesDocument;
  policy: Policy;
  session: SessionRequest;
  hop: HopDescription;
  'auth-fixtures': AuthFixtures;
  case: CaseDocument;
  'scrub-rules': ScrubRules;
  har: HarDocument;
}
/**
 * All session rules; the body of POST /v1/sessions/{id}/rules.
 */
export interface RulesDocument {
  version?: 1;
  rules: Rule[];
}
/**
 * When a hop looks like this, then do that.
 */
export interface Rule {
  /**
   * Label, shown in x-softprobe-rule.
   */
  id?: string;
  /**
   * Label as well; `id` goes before it.
   */
  name?: string;
  /**
   * The highest wins; 0 when left out.
   */
  priority?: number;
  /**
   * `once`: serves one request and no more.
   */
  consume?: 'once' | 'many';
  /**
   * Whose one request `consume: once` means: the session's (when left out), or each trace's, so that two requests of a test which run at the same time both get the whole sequence. Requests of which no trace is known share one count. The last 10,000 traces that a rule served are remembered.
   */
  consumeScope?: 'session' | 'trace';
  when: When;
  then: Then;
}
/**
 * Predicates on a hop. All that are given must hold; none given matches everything.
 */
export interface When {
  direction?: 'inbound' | 'outbound';
  /**
   * sp.service.name
   */
  service?: string;
  /**
   * Host, case-insensitive; without a port it matches any port.
   */
  host?: string;
  /**
   * Host suffix on a label boundary; a leading dot is allowed.
   */
  hostSuffix?: string;
  /**
   * None of these host suffixes may match.
   */
  notHostSuffix?: string[];
  /**
   * Request method, case-insensitive.
   */
  method?: string;
  /**
   * The whole path; with a `?` it is compared with path and query.
   */
  path?: string;
  /**
   * Beginning of the path; with a `?` it is compared with path and query.
   */
  pathPrefix?: string;
  /**
   * Path template such as `/users/{id}/orders`; `{name}` stands for one segment.
   */
  pathPattern?: string;
  /**
   * Query parameters that must all be there, decoded: name to value or list of values. Null: the request has no query.
   */
  query?: {
    [k: string]: string | string[];
  } | null;
  /**
   * Header fields that must all be there, with exactly these values.
   */
  headers?: {
    [k: string]: string | string[];
  };
  /**
   * Header name to regular expression (RE2 syntax, matched anywhere in the value).
   */
  headerMatch?: {
    [k: string]: string;
  };
  /**
   * JSONPath (RFC 9535) that must select something in the JSON request body.
   */
  bodyJsonPath?: string;
  /**
   * JSONPath to the JSON value that a selected node must equal.
   */
  bodyJsonPathEquals?: {
    [k: string]: unknown;
  };
  traceTags?: SpanAttributes;
  traceTagEquals?: SpanAttributes;
}
/**
 * Span attribute to the value that it must have.
 */
export interface SpanAttributes {
  [k: string]: string | number | boolean | (string | number | boolean)[];
}
/**
 * A response to send.
 */
export interface ResponseSpec {
  /**
   * HTTP status code; 200 when left out.
   */
  status?: number;
  /**
   * Header name to value, or to a list where the field is sent more than once.
   */
  headers?: {
    [k: string]: string | string[];
  };
  /**
   * A string is sent as it is; any other JSON value is sent as JSON.
   */
  body?: unknown;
  /**
   * How to read a string body; text (UTF-8) when left out.
   */
  bodyEncoding?: 'text' | 'utf8' | 'base64';
  /**
   * Milliseconds to wait before the first byte.
   */
  latencyMs?: number;
}
/**
 * An error response to send.
 */
export interface ErrorSpec {
  status?: number;
  /**
   * A string is sent as it is; any other JSON value is sent as JSON.
   */
  body?: unknown;
  headers?: {
    [k: string]: string | string[];
  };
}
export interface CaptureOnly {
  redactHeaders?: string[];
  redactBodyPaths?: string[];
}
/**
 * What happens to hops that no rule decides; the body of POST /v1/sessions/{id}/policy.
 */
export interface Policy {
  externalHttp?: 'strict' | 'allow';
  externalAllowlist?: string[];
  /**
   * The same as externalAllowlist.
   */
  allowHosts?: string[];
  blockHosts?: string[];
  internalHttp?: 'allow' | 'strict';
  defaultOnMiss?: 'passthrough' | 'error' | 'mock';
  /**
   * True: no outbound hop leaves, internal or not. What no rule answers is a strict miss, whatever the lists say; passthrough and capture_only rules do not let it out either. The mock of defaultOnMiss still answers.
   */
  offline?: boolean;
  mockResponse?: ResponseSpec;
  error?: ErrorSpec;
}
/**
 * The body of POST /v1/sessions.
 */
export interface SessionRequest {
  mode: 'capture' | 'replay' | 'generate';
  policy?: Policy;
  caseId?: string;
  /**
   * Idle time-out in seconds.
   */
  ttlSeconds?: number;
}
/**
 * A request that may never have been made; the body of POST /v1/sessions/{id}/explain.
 */
export interface HopDescription {
  direction: 'inbound' | 'outbound';
  method: string;
  /**
   * Absolute http or https URL. A fragment, user name and password are no part of the request.
   */
  url: string;
  /**
   * Header name to value, or to a list where the field is sent more than once. Host is that of the URL unless it is given.
   */
  headers?: {
    [k: string]: string | string[];
  };
  /**
   * A string is taken as it is; any other JSON value as JSON, with that content type unless one is given.
   */
  body?: unknown;
}
/**
 * The body of POST /v1/sessions/{id}/fixtures/auth.
 */
export interface AuthFixtures {
  tokens?:
    | unknown[]
    | {
        [k: string]: unknown;
      };
  cookies?:
    | unknown[]
    | {
        [k: string]: unknown;
      };
  metadata?: {
    [k: string]: unknown;
  };
}
/**
 * A captured run: one OTLP payload for each hop, in the order in which the requests started. Unknown top-level keys are kept.
 */
export interface CaseDocument {
  version: string;
  caseId: string;
  suite?: string;
  mode?: string;
  createdAt?: string;
  traces: TracesData[];
  rules?: Rule[];
  fixtures?: unknown[];
  [k: string]: unknown;
}
/**
 * OTLP/JSON TracesData. Fields that are not named here are kept.
 */
export interface TracesData {
  resourceSpans: ResourceSpans[];
  [k: string]: unknown;
}
export interface ResourceSpans {
  resource?: Resource;
  scopeSpans?: ScopeSpans[];
  [k: string]: unknown;
}
export interface Resource {
  attributes?: Attributes;
  [k: string]: unknown;
}
export interface KeyValue {
  key: string;
  value?: AnyValue;
  [k: string]: unknown;
}
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: ArrayValue;
  kvlistValue?: KeyValueList;
  [k: string]: unknown;
}
export interface ArrayValue {
  values?: AnyValue[];
  [k: string]: unknown;
}
export interface KeyValueList {
  values?: Attributes;
  [k: string]: unknown;
}
export interface ScopeSpans {
  spans?: Span[];
  [k: string]: unknown;
}
export interface Span {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  name?: string;
  kind?: number | string;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  attributes?: Attributes;
  status?: Status;
  [k: string]: unknown;
}
export interface Status {
  code?: number | string;
  message?: string;
  [k: string]: unknown;
}
/**
 * What `scrub --rules` hides in a case file. The names are those of a rule's `captureOnly`.
 */
export interface ScrubRules {
  version?: 1;
  /**
   * False: hide only what is named here, not the headers that are secret by custom and what looks like a secret.
   */
  defaults?: boolean;
  /**
   * Names of headers and trailers, in any case.
   */
  redactHeaders?: string[];
  /**
   * JSONPaths (RFC 9535) into JSON bodies.
   */
  redactBodyPaths?: string[];
  /**
   * Regular expressions (RE2 syntax) that are looked for in every text of the case: bodies, URLs, header values. Where one has a group, only what the first group matches is hidden.
   */
  redactPatterns?: string[];
}
/**
 * An HTTP Archive (HAR) 1.1 or 1.2 as far as it is imported. Writers leave out what HAR demands, so that only the parts without which there is no hop are required. Custom fields are kept out of sight.
 */
export interface HarDocument {
  log: HarLog;
  [k: string]: unknown;
}
export interface HarLog {
  creator?: HarCreator;
  entries: HarEntry[];
  _softprobe?: HarCase;
  [k: string]: unknown;
}
export interface HarCreator {
  name?: string;
  version?: string;
  [k: string]: unknown;
}
export interface HarEntry {
  startedDateTime?: string;
  time?: number | null;
  request: HarRequest;
  response: HarResponse;
  _softprobe?: HarHop;
  [k: string]: unknown;
}
export interface HarRequest {
  method: string;
  url: string;
  httpVersion?: string;
  headers?: Fields;
  cookies?: Cookies;
  postData?: HarPostData;
  bodySize?: number | null;
  [k: string]: unknown;
}
export interface HarField {
  name: string;
  value: string;
  [k: string]: unknown;
}
export interface HarCookie {
  name: string;
  value?: string;
  path?: string | null;
  domain?: string | null;
  expires?: string | null;
  httpOnly?: boolean | null;
  secure?: boolean | null;
  [k: string]: unknown;
}
export interface HarPostData {
  mimeType?: string;
  text?: string;
  encoding?: string;
  params?: HarParam[];
  [k: string]: unknown;
}
export interface HarParam {
  name: string;
  value?: string;
  [k: string]: unknown;
}
export interface HarResponse {
  status: number;
  httpVersion?: string;
  headers?: Fields;
  cookies?: Cookies;
  content?: HarContent;
  redirectURL?: string | null;
  bodySize?: number | null;
  /**
   * Chromium's word for why there is no response.
   */
  _error?: string | null;
  [k: string]: unknown;
}
export interface HarContent {
  size?: number | null;
  compression?: number | null;
  mimeType?: string;
  text?: string;
  encoding?: string;
  [k: string]: unknown;
}
/**
 * What of an exchange has no place in HAR.
 */
export interface HarHop {
  /**
   * Its place in the case's traces.
   */
  trace: number;
  direction: 'inbound' | 'outbound';
  service: string;
  sessionId: string;
  attribution?: string;
  outcome?: string;
  rule?: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  flags?: number;
  /**
   * Milliseconds since the Unix epoch, with a fraction.
   */
  startTime: number;
  endTime: number;
  failure?: HarFailure;
  requestBody?: HarBody;
  responseBody?: HarBody;
  requestTrailers?: Fields;
  responseTrailers?: Fields;
  [k: string]: unknown;
}
export interface HarFailure {
  type: string;
  message: string;
}
export interface HarBody {
  /**
   * Bytes on the wire.
   */
  size: number;
  truncated?: boolean;
  encoding?: 'base64';
}
/**
 * What of the case has no place in HAR.
 */
export interface HarCase {
  /**
   * The case without its traces.
   */
  case: {
    [k: string]: unknown;
  };
  /**
   * Traces that cannot be told by an entry, by their place in the case.
   */
  traces?: {
    [k: string]: TracesData;
  };
  [k: string]: unknown;
}
