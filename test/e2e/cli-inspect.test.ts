import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cli } from './support/cli.ts';

/** One hop of a case file. */
function trace(
  startNano: string,
  endNano: string,
  spanId: string,
  attributes: Record<string, string | number>,
) {
  return {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId,
                startTimeUnixNano: startNano,
                endTimeUnixNano: endNano,
                attributes: Object.entries(attributes).map(([key, value]) => ({
                  key,
                  value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
                })),
              },
            ],
          },
        ],
      },
    ],
  };
}

const outbound = trace('1700000000002000000', '1700000000004500000', 'b7ad6b7169203332', {
  'sp.traffic.direction': 'outbound',
  'http.request.method': 'POST',
  'url.full': 'http://pay.example/charges?dry=1',
  'url.scheme': 'http',
  'url.host': 'pay.example',
  'url.path': '/charges',
  'url.query': 'dry=1',
  'http.response.status_code': 201,
  'http.response.body': 'ok',
  'http.response.body.size': 2,
  'sp.outcome': 'mock',
  'sp.rule': 'charge',
});
const inbound = trace('1700000000001000000', '1700000000009000000', 'b7ad6b7169203331', {
  'sp.traffic.direction': 'inbound',
  'http.request.method': 'GET',
  'url.full': 'http://shop/\u001b[2J',
  'url.scheme': 'http',
  'url.host': 'shop',
  'url.path': '/\u001b[2J',
  'error.type': 'aborted',
});

let folder = '';
let casePath = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-inspect-'));
  casePath = join(folder, 'two.case.json');
  const document = {
    version: '1.0.0',
    caseId: 'two',
    createdAt: '2026-01-02T03:04:05Z',
    traces: [outbound, inbound],
  };
  await writeFile(casePath, JSON.stringify(document));
});
after(() => rm(folder, { recursive: true }));

describe('softprobe-proxy inspect case', () => {
  it('shows the hops as a table, in the order in which they started', async () => {
    const { code, stdout, stderr } = await cli(['inspect', 'case', casePath]);
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout,
      `case two (version 1.0.0, 2026-01-02T03:04:05Z, 2 hops)

#  direction  method  URL                               status  size   ms  outcome
1  inbound    GET     http://shop/\\u{1b}[2J                  -     0  8.0  forward aborted
2  outbound   POST    http://pay.example/charges?dry=1     201     2  2.5  mock (charge)
`,
    );
  });

  it('gives the same as one JSON document', async () => {
    const { code, json } = await cli(['inspect', 'case', casePath, '--json']);
    assert.equal(code, 0);
    const document: Record<string, unknown> = json;
    assert.deepEqual(Object.keys(document), [
      'status',
      'exitCode',
      'error',
      'caseId',
      'version',
      'traceCount',
      'spanSummary',
    ]);
    const { spanSummary: hops, ...head } = document;
    const spanSummary = hops as Record<string, unknown>[];
    assert.deepEqual(head, {
      status: 'ok',
      exitCode: 0,
      error: null,
      caseId: 'two',
      version: '1.0.0',
      traceCount: 2,
    });
    assert.deepEqual(spanSummary[1], {
      index: 2,
      direction: 'outbound',
      method: 'POST',
      url: 'http://pay.example/charges?dry=1',
      status: 201,
      responseSize: 2,
      durationMs: 2.5,
      outcome: 'mock',
      attribution: null,
      rule: 'charge',
      failure: null,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203332',
    });
    assert.equal(spanSummary[0]?.failure, 'aborted');
    assert.equal(spanSummary[0]?.status, null);
  });

  it('shows what tied the hops to their session where the recording says so', async () => {
    const path = join(folder, 'tied.case.json');
    const tied = trace('1700000000003000000', '1700000000004000000', 'b7ad6b7169203333', {
      'sp.traffic.direction': 'outbound',
      'sp.session.attribution': 'trace-id',
      'url.full': 'http://stock.example/7',
    });
    await writeFile(path, JSON.stringify({ version: '1.0.0', caseId: 'tied', traces: [inbound, tied] }));
    const text = await cli(['inspect', 'case', path]);
    const [heading = '', first = '', second = ''] = text.stdout.split('\n').slice(2);
    assert.match(heading, /outcome +via$/);
    assert.match(first, /forward aborted +-$/);
    assert.match(second, /forward +trace-id$/);
    const { stdout } = await cli(['inspect', 'case', path, '--json']);
    const attributions = JSON.parse(stdout).spanSummary.map(
      (hop: { attribution: unknown }) => hop.attribution,
    );
    assert.deepEqual(attributions, [null, 'trace-id']);
  });

  it('shows a case without hops', async () => {
    const path = join(folder, 'none.case.json');
    await writeFile(path, '{"version":"1.0.0","caseId":"none","traces":[]}');
    const { code, stdout } = await cli(['inspect', 'case', path]);
    assert.equal(code, 0);
    assert.equal(stdout, 'case none (version 1.0.0, 0 hops)\n');
  });

  const failures: [string, string | undefined, number, string, RegExp][] = [
    ['a file that is not there', undefined, 1, 'unreadable_case', /there is no case file/],
    ['an empty file', '', 5, 'invalid_case', /empty/],
    ['a file that is not JSON', '{"version":', 5, 'invalid_case', /line 1/],
    ['a case without its parts', '{"version":"1.0.0"}', 5, 'invalid_case', /caseId/],
  ];
  for (const [what, content, exitCode, errorCode, message] of failures) {
    it(`ends with ${exitCode} for ${what}`, async () => {
      const path = join(folder, `${errorCode}-${exitCode}-${content?.length}.case.json`);
      if (content !== undefined) await writeFile(path, content);
      const text = await cli(['inspect', 'case', path]);
      assert.equal(text.code, exitCode);
      assert.equal(text.stdout, '');
      assert.match(text.stderr, message);
      const { json } = await cli(['inspect', 'case', path, '--json']);
      assert.deepEqual([json.status, json.exitCode, json.error?.code], ['fail', exitCode, errorCode]);
      assert.match(json.error?.message ?? '', message);
    });
  }

  it('ends with 1 for a folder', async () => {
    const { code, stderr } = await cli(['inspect', 'case', folder]);
    assert.equal(code, 1);
    assert.match(stderr, /directory/);
  });

  const mistakes: [string[], RegExp][] = [
    [['inspect'], /inspect: say which: case/],
    [['inspect', 'cas', 'x'], /inspect: unknown command "cas" \(did you mean case\?\)/],
    [['inspect', 'case'], /<file>: this argument is missing/],
    [['inspect', 'case', 'a', 'b'], /unexpected word "b"/],
    [['inspect', 'case', 'a', '--jsn'], /unknown flag --jsn \(did you mean --json\?\)/],
  ];
  for (const [args, message] of mistakes) {
    it(`ends with 2 for ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await cli(args);
      assert.match(stderr, message);
      assert.equal(code, 2);
      assert.equal(stdout, '');
    });
  }
});
