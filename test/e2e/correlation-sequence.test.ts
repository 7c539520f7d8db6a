import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Rule } from '../../src/cases/documents.generated.ts';
import { Session } from './support/control-client.ts';
import { getThrough } from './support/egress-call.ts';
import { Program } from './support/program.ts';

let program: Program;
before(async () => {
  program = await Program.start('http://127.0.0.1:9');
});
after(() => program[Symbol.asyncDispose]());

/** First A, then B. */
function sequence(first: Pick<Rule, 'consumeScope'>): Rule[] {
  const mock = (body: string): Rule['then'] => ({ action: 'mock', response: { body } });
  return [
    { id: 'first', priority: 1, consume: 'once', ...first, when: { path: '/value' }, then: mock('A') },
    { id: 'then', when: { path: '/value' }, then: mock('B') },
  ];
}

/** Calls `/value` twice, one after the other, in a trace of its own. */
async function callTwice(session: Session): Promise<string> {
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  const lines = [`tracestate: x-softprobe-session-id=${session.id}`, `traceparent: ${traceparent}`];
  const first = await getThrough(program.egress, 'http://dependency.example/value', lines);
  const second = await getThrough(program.egress, 'http://dependency.example/value', lines);
  return `${first.body}${second.body}`;
}

const CONCURRENTLY = 30;

test('of requests at the same time, each gets the whole sequence that is one of its trace', async () => {
  const session = await Session.open(program.control, { mode: 'replay', policy: { offline: true } });
  await session.setRules(sequence({ consumeScope: 'trace' }));
  const got = await Promise.all(Array.from({ length: CONCURRENTLY }, () => callTwice(session)));
  assert.deepEqual(got, Array(CONCURRENTLY).fill('AB'));
});

test('of requests at the same time, one gets the first of a sequence that is one of the session', async () => {
  const sessions = await Promise.all(
    [1, 2].map(() => Session.open(program.control, { mode: 'replay', policy: { offline: true } })),
  );
  for (const session of sessions) await session.setRules(sequence({}));
  for (const session of sessions) {
    const got = await Promise.all(Array.from({ length: CONCURRENTLY }, () => callTwice(session)));
    assert.deepEqual(got.sort(), ['AB', ...Array(CONCURRENTLY - 1).fill('BB')]);
  }
});
