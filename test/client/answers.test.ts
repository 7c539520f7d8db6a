import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  AppliedRules,
  ClosedSession,
  Explanation,
  LoadedCase,
  SessionStats,
  StrictMiss,
} from '../../src/client/index.ts';
import { startRuntime } from '../runtime/support/runtime-server.ts';
import { answerTo, caseWith } from './support/recording.ts';

// The client must not import the runtime, and so says for itself what the API answers: here the compiler holds the
// one against the other.
test('the client knows the answers of the runtime', async (context) => {
  const { runtime } = await startRuntime(context);
  const { sessionId } = runtime.createSession({ mode: 'replay', policy: { offline: true } });
  const loaded: LoadedCase = runtime.loadCase(sessionId, caseWith([['/a', 'A']]));
  const applied: AppliedRules = runtime.setRules(sessionId, { rules: [] });
  answerTo(runtime, sessionId, '/a');
  const misses: readonly StrictMiss[] = runtime.misses(sessionId).misses;
  const explanation: Explanation = runtime.explain(sessionId, {
    direction: 'outbound',
    method: 'GET',
    url: 'http://a/',
  });
  const stats: SessionStats = runtime.stats(sessionId).stats;
  const closed: ClosedSession = await runtime.close(sessionId);
  assert.deepEqual([loaded.traceCount, applied.ruleCount, misses.length], [1, 0, 1]);
  assert.deepEqual(
    [explanation.decision.outcome, stats.strictMisses, closed.closed],
    ['strict-miss', 1, true],
  );
});
