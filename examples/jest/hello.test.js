// NODE_OPTIONS=--experimental-vm-modules npx jest --rootDir examples/jest
import { recordedCase, startHello } from '../hello/start.js';

let hello;
beforeAll(async () => {
  hello = await startHello();
});
afterAll(() => hello[Symbol.asyncDispose]());

/** Asks the service in a session. */
async function get(session) {
  const response = await fetch(`${hello.url}/hello`, { headers: session.headers() });
  return { status: response.status, text: await response.text() };
}

test('greets with what the dependency says', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay' });
  await session.mockOutbound({ path: '/greeting', response: { body: { greeting: 'world' } } });
  expect(await get(session)).toEqual({ status: 200, text: 'hello, world\n' });
});

test('replays what was recorded, in order', async () => {
  await using session = await hello.softprobe.startSession({ mode: 'replay', policy: { offline: true } });
  await session.loadCaseFromFile(recordedCase);
  await session.mockFromCase();
  expect(await get(session)).toEqual({ status: 200, text: 'hello, visitor number 1\n' });
  expect(await get(session)).toEqual({ status: 200, text: 'hello, visitor number 2\n' });
  expect(await session.misses()).toEqual([]);
});
