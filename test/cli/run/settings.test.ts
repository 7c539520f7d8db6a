import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../../../src/cli/failure.ts';
import { readRunSettings } from '../../../src/cli/run/settings.ts';

const read = (
  flags: Record<string, unknown> = {},
  { rest = ['true'], environment = {} as NodeJS.ProcessEnv, verbose = false } = {},
) =>
  readRunSettings({
    args: { _: [], ...flags },
    rest,
    environment,
    json: false,
    verbose,
    runtimeUrl: 'http://127.0.0.1:8080',
    note: () => {},
  });

describe('the settings of run', () => {
  it('take free ports and pass calls on when nothing is said', () => {
    const { proxy, mode, command, driver, logLevel } = read({}, { rest: ['npm', 'test', '--', '-x'] });
    assert.deepEqual([proxy.ingressPort, proxy.egressPort, proxy.controlPort, proxy.adminPort], [0, 0, 0, 0]);
    assert.deepEqual(mode, { kind: 'pass' });
    assert.deepEqual(command, ['npm', 'test', '--', '-x']);
    assert.equal(driver, undefined);
    assert.equal(logLevel, 'warn');
  });

  it('take ports that are named', () => {
    const { proxy } = read({ 'ingress-port': '9000' });
    assert.deepEqual([proxy.ingressPort, proxy.egressPort], [9000, 0]);
  });

  it('record or replay one file', () => {
    assert.deepEqual(read({ capture: 'a/b.json' }).mode, { kind: 'capture', file: resolve('a/b.json') });
    assert.deepEqual(read({ replay: '/c.json' }).mode, {
      kind: 'replay',
      file: '/c.json',
      unknownBody: 'miss',
    });
    assert.deepEqual(read({ replay: '/c.json', 'unknown-body': 'recorded-order' }).mode, {
      kind: 'replay',
      file: '/c.json',
      unknownBody: 'recorded-order',
    });
  });

  it('wait for the service at its own URL', () => {
    const { driver } = read({ driver: 'npm run smoke', 'app-url': 'http://127.0.0.1:3000' });
    assert.deepEqual(driver, {
      command: 'npm run smoke',
      waitFor: { kind: 'url', url: 'http://127.0.0.1:3000' },
      waitTimeoutMs: 60_000,
      stopTimeoutMs: 10_000,
    });
  });

  it('look for the service where it is waited for, unless they are told where it is', () => {
    const port = read({ driver: 'x', 'wait-for': '3000' });
    assert.deepEqual(port.driver?.waitFor, { kind: 'port', port: 3000 });
    assert.equal(port.proxy.appUrl, 'http://127.0.0.1:3000');
    const url = read({ driver: 'x', 'wait-for': 'http://localhost:3000/health' });
    assert.deepEqual(url.driver?.waitFor, { kind: 'url', url: 'http://localhost:3000/health' });
    assert.equal(url.proxy.appUrl, 'http://localhost:3000');
    const told = { environment: { APP_URL: 'http://127.0.0.1:4000' } };
    assert.equal(read({ driver: 'x', 'wait-for': '3000' }, told).proxy.appUrl, 'http://127.0.0.1:4000');
  });

  it('are silent, or tell more', () => {
    assert.equal(read({ quiet: true }).logLevel, 'silent');
    assert.equal(read({}, { verbose: true }).logLevel, 'info');
    assert.equal(read({ 'log-level': 'error' }).logLevel, 'error');
  });

  const refusals: [string, Record<string, unknown>, string[], RegExp][] = [
    ['no command', {}, [], /^run: expected a command after --/],
    ['an empty command', {}, [''], /^run: expected a command after --/],
    ['to record and replay at once', { capture: 'a', replay: 'b' }, ['x'], /^--capture: .*--replay/],
    ['a wait without a driver', { 'wait-for': '3000' }, ['x'], /^--wait-for: has no effect without --driver/],
    ['port 0', { driver: 'x', 'wait-for': '0' }, ['x'], /^--wait-for: expected a port from 1/],
    [
      'neither URL nor port',
      { driver: 'x', 'wait-for': 'localhost:3000' },
      ['x'],
      /^--wait-for: expected a port, or a URL/,
    ],
    ['an empty driver', { driver: ' ' }, ['x'], /^--driver: /],
    ['no time to wait', { driver: 'x', 'wait-timeout': '0' }, ['x'], /^--wait-timeout: /],
  ];
  for (const [what, flags, rest, message] of refusals) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => read(flags, { rest }),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
