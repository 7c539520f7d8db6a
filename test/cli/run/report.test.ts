import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { reportLines } from '../../../src/cli/run/report.ts';
import type { RunReport } from '../../../src/cli/run/session.ts';

const nothing: RunReport = { hops: 0, answered: 0, refused: 0, misses: [], warnings: [] };
const capture = { kind: 'capture', file: resolve('a/b.case.json') } as const;
const replay = { kind: 'replay', file: resolve('b.case.json'), unknownBody: 'miss' } as const;

describe('the report of a run', () => {
  it('tells what was recorded, and where', () => {
    assert.deepEqual(reportLines(capture, { ...nothing, hops: 3, capturePath: capture.file }), [
      'recorded 3 hops in a/b.case.json',
    ]);
    assert.deepEqual(reportLines(capture, { ...nothing, hops: 1, capturePath: '/elsewhere/x.json' }), [
      'recorded 1 hop in /elsewhere/x.json',
    ]);
  });

  it('passes warnings on', () => {
    assert.deepEqual(reportLines(replay, { ...nothing, answered: 2, warnings: ['odd'] }), [
      'odd',
      'answered 2 calls from b.case.json, none was missing in it',
    ]);
  });

  it('shows each miss with the nearest recorded call, on one line', () => {
    const misses = [
      {
        method: 'GET',
        url: 'http://a.test/x',
        rule: 'GET /y',
        failed: [
          { key: 'path', expected: '/y', actual: '/x' },
          { key: 'query', expected: null, actual: 'z=1' },
          { key: 'bodyJsonPathEquals', expected: { a: 1 } },
        ],
      },
      { method: 'POST', url: `http://a.test/${'long/'.repeat(50)}` },
      { method: 'PUT', url: 'http://a.test/\u001b[2J' },
    ];
    const lines = reportLines(replay, { ...nothing, answered: 1, refused: 5, misses });
    assert.deepEqual(
      lines.map((line) => line.replaceAll(/ {2,}/g, ' | ').trim()),
      [
        'answered 1 call from b.case.json; refused 5 calls that it has no answer for:',
        '| method | URL | nearest recorded call',
        '| GET | http://a.test/x | GET /y: path was /y, is /x; query was absent, is z=1; bodyJsonPathEquals was {"a":1}, is absent',
        `| POST | ${`http://a.test/${'long/'.repeat(50)}`.slice(0, 119)}… | none is like it`,
        '| PUT | http://a.test/\\u{1b}[2J | none is like it',
        '| and 2 before these',
      ],
    );
  });
});
