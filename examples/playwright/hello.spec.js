// npx playwright test --config examples/playwright
// Playwright's `request` fixture is all that is used here; no browser is started or installed.
import { test as base, expect } from '@playwright/test';
import { recordedCase, startHello } from '../hello/start.js';

const test = base.extend({
  /** The service and its proxy: one for each worker process. */
  hello: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures are needed
    async ({}, use) => {
      await using hello = await startHello();
      await use(hello);
    },
    { scope: 'worker' },
  ],
  /** A session for each test, closed at its end. */
  session: async ({ hello }, use) => {
    await using session = await hello.softprobe.startSession({ mode: 'replay', policy: { offline: true } });
    await use(session);
  },
  baseURL: ({ hello }, use) => use(hello.url),
  /** Every request of the test, and of a browser page too, belongs to its session. */
  extraHTTPHeaders: ({ session }, use) => use(session.headers()),
});

test('greets with what the dependency says', async ({ request, session }) => {
  await session.mockOutbound({ path: '/greeting', response: { body: { greeting: 'world' } } });
  const response = await request.get('/hello');
  expect(response.status()).toBe(200);
  expect(await response.text()).toBe('hello, world\n');
});

test('replays what was recorded, in order', async ({ request, session }) => {
  await session.loadCaseFromFile(recordedCase);
  await session.mockFromCase();
  expect(await (await request.get('/hello')).text()).toBe('hello, visitor number 1\n');
  expect(await (await request.get('/hello')).text()).toBe('hello, visitor number 2\n');
  expect(await session.misses()).toEqual([]);
});
