import { setTimeout as delay } from 'node:timers/promises';
import {
  type CaseSpan,
  type Hop,
  hopFromSpan,
  type Span,
  spansOfTraces,
  type TracesData,
} from '../cases/index.ts';
import { type Answer, errorAnswer } from './answer.ts';
import type { Forward, NeedBody, Respond } from './decision.ts';
import { RuntimeError } from './errors.ts';
import { injectAnswer } from './inject-answer.ts';
import type { LocalRuntime } from './local-runtime.ts';
import { answerEncoding, exportAnswer, readTraces, statusAnswer, tracesAnswer } from './otlp-message.ts';
import type { Call, Route } from './router.ts';
import type { Session } from './session.ts';

/** Tells an external proxy's cache which rules an answer came from (CONTRACT section 4). */
const REVISION_HEADER = 'x-softprobe-session-revision';

/** The calls of CONTRACT section 4, for proxies that are not in this process. */
export function otlpRoutes(runtime: LocalRuntime): readonly Route[] {
  const answerError: Route['answerError'] = (error, request) =>
    answerEncoding(request) === 'protobuf' ? statusAnswer(error) : errorAnswer(error);
  return [
    { method: 'POST', path: '/v1/inject', handle: (call) => inject(runtime, call), answerError },
    { method: 'POST', path: '/v1/traces', handle: (call) => receiveTraces(runtime, call), answerError },
  ];
}

async function inject(runtime: LocalRuntime, { request, signal }: Call): Promise<Answer> {
  const { span, hop } = await readInjectSpan(request).catch((error: unknown) => {
    runtime.counters.inject.error++;
    throw error;
  });
  const session = runtime.findSession(hop.sessionId);
  if (session === undefined) {
    runtime.countUnknownSession(hop.direction);
    runtime.counters.inject.miss++;
    throw new RuntimeError('unknown_session', 'the session of this hop is not open: forward it untouched');
  }
  const stopTimer = runtime.metrics.injectLatency.startTimer();
  const decision = decide(runtime, session, hop);
  stopTimer();
  const headers = { [REVISION_HEADER]: String(session.revision) };
  if (decision.kind !== 'respond') {
    throw new RuntimeError('not_found', 'nothing answers this hop: forward it', { headers });
  }
  const traces = injectAnswer(span, decision.response, session.revision);
  if (decision.latencyMs > 0) await delay(decision.latencyMs, undefined, { signal });
  return tracesAnswer(traces, answerEncoding(request), headers);
}

/** A span says all there is to say about a body, so a decision never has to wait for one. */
function decide(
  runtime: LocalRuntime,
  session: Session,
  hop: Hop,
): Exclude<Respond | Forward | NeedBody, NeedBody> {
  const decision = runtime.decide(session, hop);
  if (decision.kind === 'need-body')
    throw new Error('a decision asked for a body that a span has no more of');
  return decision;
}

async function readInjectSpan(request: Call['request']): Promise<{ span: Span; hop: Hop }> {
  const { traces } = await readTraces(request);
  const [found, ...more] = [...spansOfTraces(traces)].filter(({ span }) => spanType(span) === 'inject');
  if (found === undefined) {
    throw new RuntimeError('invalid_request', 'expected a span whose attribute sp.span.type is "inject"');
  }
  if (more.length > 0) {
    throw new RuntimeError(
      'invalid_request',
      `expected one inject span, got ${more.length + 1}: an answer has room for one`,
    );
  }
  const hop = hopFromSpan(found.span, found.resource);
  if (hop.sessionId === '') {
    throw new RuntimeError('invalid_request', 'the inject span has no attribute sp.session.id');
  }
  return { span: found.span, hop };
}

/** An extract span and where it belongs. */
interface Extract {
  readonly hop: Hop;
  readonly span: Span;
  readonly traces: TracesData;
  readonly session: Session | undefined;
}

async function receiveTraces(runtime: LocalRuntime, { request }: Call): Promise<Answer> {
  const { traces, size } = await readTraces(request);
  const extracts = findExtracts(runtime, traces);
  const accepted = extracts.filter(({ session }) => session !== undefined);
  const rejected = extracts.length - accepted.length;
  const message = 'spans name no session that is open';
  if (rejected > 0 && accepted.length === 0) {
    const isNameless = extracts.every(({ hop }) => hop.sessionId === '');
    throw isNameless
      ? new RuntimeError('invalid_request', 'the extract spans have no attribute sp.session.id')
      : new RuntimeError('unknown_session', `${rejected} ${message}`);
  }
  for (const { session, hop, span, traces: alone } of accepted) {
    if (session !== undefined) runtime.receiveSpan(session, hop, span, alone, size / extracts.length);
  }
  return exportAnswer(
    answerEncoding(request),
    rejected > 0 ? { spans: rejected, message: `${rejected} ${message}` } : undefined,
  );
}

/** Spans without `sp.span.type` are somebody's ordinary telemetry: none of our business. */
function findExtracts(runtime: LocalRuntime, traces: TracesData): Extract[] {
  const extracts: Extract[] = [];
  for (const alone of splitSpans(traces)) {
    for (const { span, resource } of spansOfTraces(alone)) {
      if (spanType(span) !== 'extract') continue;
      const hop = hopFromSpan(span, resource);
      const session = runtime.findSession(hop.sessionId);
      if (session === undefined && hop.sessionId !== '') runtime.countUnknownSession(hop.direction);
      extracts.push({ hop, span, traces: alone, session });
    }
  }
  return extracts;
}

/** Each span by itself, in what surrounds it: the form of an element of a case. */
function* splitSpans({ resourceSpans, ...rest }: TracesData): Generator<TracesData> {
  for (const { scopeSpans = [], ...resource } of resourceSpans) {
    for (const { spans = [], ...scope } of scopeSpans) {
      for (const span of spans) {
        yield { ...rest, resourceSpans: [{ ...resource, scopeSpans: [{ ...scope, spans: [span] }] }] };
      }
    }
  }
}

function spanType(span: CaseSpan['span']): string | undefined {
  return span.attributes?.find(({ key }) => key === 'sp.span.type')?.value?.stringValue;
}
