import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileJsonPath } from '../../../src/cases/index.ts';
import { htmlReport } from '../../../src/cli/replay/html.ts';
import { junitReport } from '../../../src/cli/replay/junit.ts';
import { ignoringFlag, type ReplayedCase } from '../../../src/cli/replay/result.ts';
import { replayText } from '../../../src/cli/replay/text.ts';

describe('the flag that leaves a difference out', () => {
  const flags: [pointer: string, flag: string | undefined][] = [
    ['/headers/etag', '--ignore-header etag'],
    ['/body', "--ignore '$'"],
    ['/body/order/at', "--ignore '$.order.at'"],
    ['/body/items/0/id', "--ignore '$.items[0].id'"],
    ['/status', undefined],
    ['/failure', undefined],
  ];
  for (const [pointer, flag] of flags) {
    it(`is ${flag ?? 'none'} for ${pointer}`, () => assert.equal(ignoringFlag(pointer), flag));
  }

  it('selects the place, whatever it is called', () => {
    for (const name of ['a b', 'a"b', 'a\\b', "it's", 'a/b', 'a~b', '', '__proto__', 'ü']) {
      const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
      const [, word = ''] = /^--ignore '(.*)'$/s.exec(ignoringFlag(`/body/${escaped}`) ?? '') ?? [];
      // As a shell reads it.
      const path = word.replaceAll("'\\''", "'");
      const value = JSON.parse(`{${JSON.stringify(name)}:1}`);
      assert.deepEqual(
        compileJsonPath(path)
          .select(value)
          .map(({ location }) => location),
        [[name]],
        path,
      );
    }
  });
});

describe('a replay with the recorded answers, in which calls were refused', () => {
  const replayed: ReplayedCase = {
    file: 'shop.case.json',
    caseId: 'shop',
    passed: false,
    requests: [
      {
        index: 1,
        method: 'GET',
        path: '/',
        passed: true,
        expectedStatus: 200,
        actualStatus: 200,
        durationMs: 1500,
        differences: [],
        missedCalls: [{ method: 'GET', url: 'http://stock:8090/items' }],
      },
    ],
    skipped: [],
    warnings: ['something is odd'],
    misses: 2,
  };

  it('is told in the text', () => {
    const text = replayText([replayed]);
    assert.match(text, /✓ #1 GET \/ {2}200 {2}\(1500 ms\)/);
    assert.match(text, /GET {5}http:\/\/stock:8090\/items/);
    assert.match(text, /\n {2}1 more call refused\n/);
    assert.match(text, /1 request: 1 passed, 0 failed; 2 calls refused/);
  });

  it('is no clean one in the HTML', () => {
    const html = htmlReport([replayed]);
    assert.match(html, /<h1>The service answers as it did, but makes calls that it did not make<\/h1>/);
    assert.match(html, /<code>GET http:\/\/stock:8090\/items<\/code>/);
  });

  it('is a failure in the XML, which has no exit code', () => {
    const xml = junitReport([replayed]);
    assert.match(
      xml,
      /<testsuites name="softprobe-proxy replay run" tests="1" failures="1" errors="0" skipped="0" time="1\.500">/,
    );
    assert.match(
      xml,
      /<failure message="[^"]+: 1" type="strict_misses">refused: GET http:\/\/stock:8090\/items<\/failure>/,
    );
    assert.match(xml, /<system-out>warning: something is odd<\/system-out>/);
  });
});
