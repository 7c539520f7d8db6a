import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { response } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage(
  (stage) => {
    ({ origin, program } = stage);
  },
  ['--log-level', 'trace', '--redact-body-path', '$.card.number'],
);

/** Sends a request of the session through the egress listener, credentials and all. */
async function send(session: Session, lines: readonly string[], body: string): Promise<void> {
  using client = await RawClient.connect(program.egress);
  const head = [
    `POST http://user:url-secret@${origin.authority}/pay HTTP/1.1`,
    `Host: ${origin.authority}`,
    `x-softprobe-session-id: ${session.id}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...lines,
  ];
  await client.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  assert.equal((await client.readResponse()).status, 200);
}

test('secrets reach the upstream, and neither the case file nor the log', async () => {
  const session = await Session.open(program.control, { mode: 'capture' });
  const answer = response(
    ['HTTP/1.1 200 OK', 'Set-Cookie: sid=cookie-secret; Path=/; HttpOnly', 'Content-Length: 2'],
    'ok',
  );
  const card = JSON.stringify({ card: { number: 'card-secret', name: 'kept' } });
  const lines = ['Authorization: Bearer token-secret', 'Cookie: sid=cookie-secret; theme=dark-secret'];
  for (const more of [['X-Api-Key: key-secret'], []]) {
    const seen = origin.next(answer);
    await send(session, [...lines, ...more], card);
    for (const line of [...lines, ...more]) {
      const [name = '', value] = line.split(': ');
      assert.equal(field(await seen, name.toLowerCase()), value);
    }
    assert.equal((await seen).body.toString(), card);
  }

  const { capturePath } = await session.close();
  const text = await readFile(String(capturePath), 'utf8');
  assert.doesNotMatch(text, /token-secret|cookie-secret|dark-secret|key-secret|card-secret|url-secret/);
  assert.doesNotMatch(program.log, /-secret/);
  assert.ok(!program.log.includes(session.id), 'the log names no session in full');

  const [first, second] = spansOf(JSON.parse(text));
  assert.ok(first && second);
  const values = (key: string) => [attribute(first, key), attribute(second, key)];
  const [bearer, again] = values('http.request.header.authorization');
  assert.match(String(bearer), /^Bearer \[redacted:/);
  assert.equal(bearer, again, 'the same secret has the same placeholder');
  assert.match(String(values('http.request.header.cookie')[0]), /^sid=\[.*\]; theme=\[.*\]$/);
  assert.match(String(values('http.response.header.set-cookie')[0]), /^sid=\[.*\]; Path=\/; HttpOnly$/);
  assert.match(String(values('http.request.body')[0]), /^\{"card":\{"number":"\[.*\]","name":"kept"\}\}$/);
});
