import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../../../src/cli/failure.ts';
import { readStartSettings } from '../../../src/cli/start/settings.ts';

const read = (flags: Record<string, unknown> = {}, environment: NodeJS.ProcessEnv = {}) =>
  readStartSettings({ _: [], ...flags }, environment);

describe('the settings of start', () => {
  it('have the ports and folders of the contract when nothing is said', () => {
    assert.deepEqual(read(), {
      proxy: {
        appUrl: 'http://127.0.0.1:8081',
        ingressPort: 8082,
        egressPort: 8084,
        controlPort: 8080,
        adminPort: 18001,
        captureDir: resolve('captures'),
        redact: { headers: [], bodyPaths: [] },
      },
      tls: {
        authority: {},
        passthroughHosts: [],
        onUntrusted: 'fail',
        upstreamCaFiles: [],
        insecureHosts: [],
        clientCertificates: [],
      },
      json: false,
      logLevel: 'info',
    });
  });

  it('take every flag', () => {
    const { proxy, json, logLevel } = read({
      'app-url': 'http://127.0.0.1:3000',
      upstream: 'http://127.0.0.1:4000',
      host: '::1',
      'ingress-port': '1',
      'egress-port': '2',
      'control-port': '3',
      'admin-port': '4',
      'capture-dir': '/cases',
      'service-name': 'shop',
      'fallback-session': 'sole',
      'max-recorded-body': '2KiB',
      'session-ttl': '1m',
      'max-sessions': '5',
      'drain-timeout': '0',
      'connect-timeout': '6s',
      'header-timeout': '7s',
      'redact-header': ['X-A', 'x-b'],
      'redact-body-path': ['$.secret'],
      'no-trace-context': true,
      'log-level': 'silent',
      json: true,
    });
    assert.deepEqual(proxy, {
      appUrl: 'http://127.0.0.1:3000',
      upstream: 'http://127.0.0.1:4000',
      host: '::1',
      ingressPort: 1,
      egressPort: 2,
      controlPort: 3,
      adminPort: 4,
      captureDir: resolve('/cases'),
      serviceName: 'shop',
      fallbackSession: 'sole',
      maxRecordedBody: 2048,
      sessionTtlMs: 60_000,
      maxSessions: 5,
      drainTimeoutMs: 0,
      connectTimeoutMs: 6000,
      headerTimeoutMs: 7000,
      redact: { headers: ['x-a', 'x-b'], bodyPaths: ['$.secret'] },
      traceContext: false,
    });
    assert.equal(json, true);
    assert.equal(logLevel, 'silent');
  });

  it('turn redaction off on request', () => {
    assert.equal(read({ 'no-redact': true }).proxy.redact, false);
  });

  it('take the environment, and flags before it', () => {
    const environment = {
      APP_URL: 'http://10.0.0.1:1',
      SOFTPROBE_API_TOKEN: 'secret',
      SOFTPROBE_CAPTURE_CASE_PATH: 'e2e/captured.case.json',
    };
    const { proxy } = read({}, environment);
    assert.equal(proxy.appUrl, 'http://10.0.0.1:1');
    assert.equal(proxy.apiToken, 'secret');
    assert.equal(proxy.captureFile, resolve('e2e/captured.case.json'));
    assert.equal(read({ 'app-url': 'http://10.0.0.2:2' }, environment).proxy.appUrl, 'http://10.0.0.2:2');
  });

  it('count an empty variable as not set', () => {
    const { proxy } = read({}, { APP_URL: '', SOFTPROBE_API_TOKEN: '' });
    assert.equal(proxy.appUrl, 'http://127.0.0.1:8081');
    assert.equal('apiToken' in proxy, false);
  });

  const refusals: [string, Record<string, unknown>, NodeJS.ProcessEnv, RegExp][] = [
    ['a bad variable', {}, { APP_URL: 'app' }, /^APP_URL: /],
    [
      'one port for two listeners',
      { 'ingress-port': '9', 'admin-port': '9' },
      {},
      /^--admin-port: .*--ingress-port/,
    ],
    [
      'the usual port of another listener',
      { 'ingress-port': '8080' },
      {},
      /^--ingress-port: .*--control-port/,
    ],
    [
      'redaction that is off and asked for',
      { 'no-redact': true, 'redact-header': ['a'] },
      {},
      /^--no-redact: /,
    ],
    ['a JSONPath that is none', { 'redact-body-path': ['$.['] }, {}, /^--redact-body-path: /],
    ['another fallback', { 'fallback-session': 'all' }, {}, /^--fallback-session: .*sole, none/],
    ['a flag given twice', { host: ['a', 'b'] }, {}, /^--host: /],
  ];
  for (const [what, flags, environment, message] of refusals) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => read(flags, environment),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  it('take no fallback for none', () => {
    assert.equal('fallbackSession' in read({ 'fallback-session': 'none' }).proxy, false);
  });

  it('let several listeners share port 0', () => {
    const { proxy } = read({ 'ingress-port': '0', 'egress-port': '0' });
    assert.equal(proxy.ingressPort, 0);
    assert.equal(proxy.egressPort, 0);
  });
});
