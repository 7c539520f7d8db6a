import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Rule } from '../../src/cases/documents.generated.ts';
import { chunked, plain } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient, toBytes } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

const gold: Rule = {
  id: 'gold',
  priority: 1,
  when: { method: 'POST', bodyJsonPathEquals: { '$.tier': 'gold' } },
  then: { action: 'mock', response: { body: 'for gold' } },
};
const anything: Rule = { id: 'anything', when: {}, then: { action: 'mock', response: { body: 'for all' } } };

function headOf(session: Session, lines: readonly string[]): string {
  const head = [
    `POST http://${origin.authority}/tier HTTP/1.1`,
    `Host: ${origin.authority}`,
    `x-softprobe-session-id: ${session.id}`,
    'Content-Type: application/json',
    ...lines,
  ];
  return `${head.join('\r\n')}\r\n\r\n`;
}

const framings: [name: string, lines: (body: string) => string[], bytes: (body: string) => Uint8Array][] = [
  ['a length', (body) => [`Content-Length: ${body.length}`], toBytes],
  ['chunks', () => ['Transfer-Encoding: chunked'], (body) => chunked([body.slice(0, 5), body.slice(5)])],
];

describe('a rule that looks at the body', () => {
  for (const [name, lines, bytes] of framings) {
    test(`answers a body with ${name}, and lets another one pass as it came`, async () => {
      const session = await Session.open(program.control, { mode: 'replay' });
      await session.setRules([gold]);
      using client = await RawClient.connect(program.egress);
      const [yes, no] = ['{"tier":"gold"}', '{"tier":"tin","more":[1,2]}'];
      await client.write(Buffer.concat([toBytes(headOf(session, lines(yes))), bytes(yes)]));
      assert.equal((await client.readResponse()).body.toString(), 'for gold');
      const seen = origin.next(plain('real'));
      await client.write(Buffer.concat([toBytes(headOf(session, lines(no))), bytes(no)]));
      assert.equal((await client.readResponse()).body.toString(), 'real');
      assert.equal((await seen).body.toString(), no);
      assert.equal((await seen).framing, name === 'chunks' ? 'chunked' : 'length');
    });
  }

  test('asks a client that waits for leave to send its body', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setRules([gold]);
    using client = await RawClient.connect(program.egress);
    await client.write(headOf(session, ['Content-Length: 15', 'Expect: 100-continue']));
    assert.match((await client.readHead()).startLine, /^HTTP\/1\.1 100 /);
    await client.write('{"tier":"gold"}');
    assert.equal((await client.readResponse()).body.toString(), 'for gold');
  });
});

describe('a body that is too large for rules to look at', () => {
  const large = Buffer.alloc(11 * 1024 * 1024, 'large body ');
  const lines = [`Content-Length: ${large.length}`];

  test('is forwarded whole', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setRules([gold]);
    using client = await RawClient.connect(program.egress);
    const seen = origin.next(plain('real'));
    await client.write(headOf(session, lines));
    const sent = client.write(large);
    assert.equal((await client.readResponse()).body.toString(), 'real');
    await sent;
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash((await seen).body), hash(large));
  });

  for (const mode of ['replay', 'capture'] as const) {
    test(`is answered by a rule that does not ask for it, and the connection goes on: ${mode}`, async () => {
      const session = await Session.open(program.control, { mode });
      await session.setRules([anything, gold]);
      using client = await RawClient.connect(program.egress);
      await client.write(headOf(session, lines));
      const sent = client.write(large);
      const answer = await client.readResponse();
      assert.deepEqual([answer.body.toString(), field(answer, 'x-softprobe-rule')], ['for all', 'anything']);
      await sent;
      const seen = origin.next(plain('next'));
      await client.write(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
      assert.equal((await client.readResponse()).body.toString(), 'next');
      await seen;
      if (mode === 'replay') return;
      const span = onlySpan(await session.closeToCase());
      assert.equal(attribute(span, 'http.request.body.size'), large.length);
      assert.equal(attribute(span, 'http.request.body.truncated'), true);
    });
  }
});
