// node --test examples/node-test/hello.test.js
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { recordedCase, startHello } from '../hello/start.js';

let hello;
before(async () => {
  hello = await startHello();
});
after(() => hello[Symbol.asyncDispose]());

/** Asks the service in a session. */
async function get(session) {
  const response = await fetch(`${hello.url}/hello`, { headers: session.headers() });
  return [response.status, await response.text()];
}

test('greets with what the dependency says', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay' });
  await session.mockOutbound({
    host: 'greetings.test',
    path: '/greeting',
    response: { body: { greeting: 'world' } },
  });
  assert.deepEqual(await get(session), [200, 'hello, world\n']);
});

test('says so when the dependency is ill', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay' });
  await session.mockOutbound({ path: '/greeting', error: { status: 503 } });
  assert.deepEqual(await get(session), [502, 'the upstream said 503\n']);
});

test('replays what was recorded, in order', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay', policy: { offline: true } });
  await session.loadCaseFromFile(recordedCase);
  await session.mockFromCase();
  assert.deepEqual(await get(session), [200, 'hello, visitor number 1\n']);
  assert.deepEqual(await get(session), [200, 'hello, visitor number 2\n']);
  assert.deepEqual(await session.misses(), []);
});

test('changes what was recorded', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay' });
  await session.loadCaseFromFile(recordedCase);
  const [hit] = session.findAllInCase({ path: '/greeting' });
  hit.response.body = JSON.stringify({ greeting: 'nobody' });
  await session.mockOutbound({ path: '/greeting', response: hit.response });
  assert.deepEqual(await get(session), [200, 'hello, nobody\n']);
});

test('a call that nobody answers is told', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay', policy: { offline: true } });
  assert.deepEqual(await get(session), [502, 'the upstream said 599\n']);
  const [miss] = await session.misses();
  assert.equal(miss.request.url, 'http://greetings.test/greeting');
});
