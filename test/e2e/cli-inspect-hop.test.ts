import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordedBody, recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';
import { useStage } from './support/stage.ts';

const sold = caseOf(
  { hop: { direction: 'inbound', path: '/buy' } },
  {
    hop: {
      method: 'POST',
      path: '/pay',
      query: 'dry=1',
      headers: ['content-type', 'application/json', 'x-a', '1', 'x-a', '2'],
      attribution: 'tracestate',
    },
    requestBody: recordedBody('{"card":{"number":"4111"}}'),
    response: {
      ...recordedResponse(['content-type', 'image/png'], new Uint8Array([0x89, 0x50]), 201),
      trailers: ['x-sum', 'ok'],
    },
    outcome: 'mock',
    rule: 'pay',
  },
  {
    response: undefined,
    failure: { type: 'ECONNREFUSED', message: 'nobody there' },
  },
);

interface Hop {
  readonly index: number;
  readonly status: number | null;
  readonly request: { readonly headers: unknown; readonly body: string | null };
  readonly response: {
    readonly body: string;
    readonly bodyEncoding: string;
    readonly trailers: unknown;
  } | null;
}

describe('softprobe-proxy inspect case --hop', () => {
  it('shows a hop in full, JSON bodies indented', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const { code, stdout } = await cli(['inspect', 'case', path, '--hop', '2']);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        'hop 2: outbound, mock by rule pay, tied by tracestate',
        '2026-01-01T00:00:00.100Z, 12.25 ms, service shop',
        'trace 4bf92f3577b34da6a3ce929d0e0e4736, span 0000000000000002',
        '',
        'POST http://stock.example:8090/pay?dry=1 HTTP/1.1',
        'content-type: application/json',
        'x-a: 1',
        'x-a: 2',
        '',
        '{',
        '  "card": {',
        '    "number": "4111"',
        '  }',
        '}',
        '',
        'HTTP/1.1 201',
        'content-type: image/png',
        '',
        '(base64) iVA=',
        '',
        'trailers:',
        'x-sum: ok',
        '',
      ].join('\n'),
    );
  });

  it('shows why a hop has no response', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const { stdout } = await cli(['inspect', 'case', path, '--hop', '3']);
    assert.match(stdout, /^failed: ECONNREFUSED nobody there$/m);
    assert.match(stdout, /^no response$/m);
  });

  it('gives a program the same beside the summary', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const { json } = await cli(['inspect', 'case', path, '--hop', '2', '--json']);
    const { index, status, request, response } = json.hop as Hop;
    assert.deepEqual([index, status, request.body], [2, 201, '{"card":{"number":"4111"}}']);
    assert.deepEqual([response?.body, response?.bodyEncoding], ['iVA=', 'base64']);
    assert.deepEqual(response?.trailers, [{ name: 'x-sum', value: 'ok' }]);
    assert.equal((json.spanSummary as unknown[]).length, 3);
    const failed = await cli(['inspect', 'case', path, '--hop', '3', '--json']);
    assert.equal((failed.json.hop as Hop).response, null);
  });

  it('shows nothing that a terminal would act on', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('x.json', caseOf({ response: recordedResponse([], 'a\u001b[2J\r\nb') }));
    const { stdout } = await cli(['inspect', 'case', path, '--hop', '1']);
    assert.ok(!stdout.includes('\u001b') && !stdout.includes('\r'), JSON.stringify(stdout));
  });

  it('ends with 1 for a hop that is not there, 2 for what is no number', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const { code, json } = await cli(['inspect', 'case', path, '--hop', '4', '--json']);
    assert.deepEqual([code, json.error?.code], [1, 'no_such_hop']);
    assert.match(String(json.error?.message), /the hops 1 to 3/);
    assert.equal((await cli(['inspect', 'case', path, '--hop', '0', '--json'])).code, 2);
  });
});

describe('softprobe-proxy inspect session', () => {
  let ingress = '';
  let control = '';
  useStage(({ program }) => {
    ({ ingress, control } = program);
  });
  const runtime = () => ['--runtime-url', control];

  /** A capture session with one recorded hop. */
  async function record(): Promise<string> {
    const { json } = await cli(['session', 'start', '--mode', 'capture', ...runtime(), '--json']);
    const sessionId = String(json.sessionId);
    const response = await fetch(`${ingress}/hello`, {
      headers: { 'x-softprobe-session-id': sessionId },
    });
    await response.arrayBuffer();
    return sessionId;
  }

  it('shows what an open session has recorded so far, and a closed one had', async () => {
    const sessionId = await record();
    const args = ['inspect', 'session', '--session', sessionId, ...runtime()];
    const open = await cli(args);
    assert.equal(open.code, 0);
    assert.match(open.stdout, /^1 +inbound +GET +http:\/\/.*\/hello +/m);
    const { json } = await cli([...args, '--hop', '1', '--json']);
    assert.deepEqual([json.sessionId, json.traceCount, (json.hop as Hop).index], [sessionId, 1, 1]);
    await cli(['session', 'close', '--session', sessionId, ...runtime()]);
    const env = {
      SOFTPROBE_SESSION_ID: sessionId,
      SOFTPROBE_RUNTIME_URL: control,
    };
    const closed = await cli(['inspect', 'session', '--json'], { env });
    assert.equal(closed.json.traceCount, 1);
  });

  it('ends with 4 for a session that nobody knows, 3 where nobody answers, 2 for none', async () => {
    assert.equal((await cli(['inspect', 'session', '--session', 'sess_x', ...runtime(), '--json'])).code, 4);
    const nobody = ['--runtime-url', 'http://127.0.0.1:1'];
    assert.equal((await cli(['inspect', 'session', '--session', 'sess_x', ...nobody, '--json'])).code, 3);
    assert.equal((await cli(['inspect', 'session', '--json'])).code, 2);
  });
});
