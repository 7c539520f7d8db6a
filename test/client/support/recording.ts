import type { CaseDocument, Hop, Rule } from '../../../src/cases/index.ts';
import { tracesFromExchange } from '../../../src/cases/index.ts';
import type { LocalRuntime } from '../../../src/runtime/index.ts';
import { exchangeWith, recordedResponse } from '../../cases/support/exchange.ts';

/** A case with outbound GETs of these paths, answered with these texts. */
export function caseWith(
  answers: readonly (readonly [path: string, answer: string])[],
  rules?: Rule[],
): CaseDocument {
  const traces = answers.map(([path, answer], position) =>
    tracesFromExchange(
      exchangeWith({
        hop: { path },
        startTime: 1_767_225_600_000 + position,
        response: recordedResponse(['content-type', 'text/plain'], answer),
      }),
    ),
  );
  return { version: '1.0.0', caseId: 'shop', traces, ...(rules && { rules }) };
}

/** What a session answers to an outbound GET of this path: the body, or how else it was decided. */
export function answerTo(
  runtime: LocalRuntime,
  sessionId: string,
  path: string,
  hop: Partial<Hop> = {},
): string {
  const session = runtime.findSession(sessionId);
  if (session === undefined) throw new Error('the session is not open');
  const decision = runtime.decide(session, {
    ...exchangeWith({ hop: { path, ...hop } }).hop,
    body: new Uint8Array(),
  });
  if (decision.kind !== 'respond') return decision.kind;
  if (decision.outcome !== 'mock') return `${decision.outcome} ${decision.response.status}`;
  return Buffer.from(decision.response.body).toString();
}
