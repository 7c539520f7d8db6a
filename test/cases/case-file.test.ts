import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type CaseDocument,
  CaseFileError,
  parseCase,
  readCaseFile,
  serializeCase,
  spansOf,
  tracesFromExchange,
  writeCaseFile,
} from '../../src/cases/index.ts';
import { exchangeWith, recordedResponse } from './support/exchange.ts';

const golden = (name: string) => readFileSync(new URL(`../golden/cases/${name}`, import.meta.url), 'utf8');

const small: CaseDocument = {
  version: '1.0.0',
  caseId: 'small',
  createdAt: '2026-01-01T00:00:00.000Z',
  traces: [],
};

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'softprobe-case-file-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('serializeCase', () => {
  test('puts the keys in their order, unknown ones last, and leaves out what is undefined', () => {
    const document = {
      zeta: { a: [1, []] },
      traces: [],
      fixtures: [],
      caseId: 'c',
      rules: [],
      alpha: null,
      version: '1.0.0',
    };
    assert.equal(
      serializeCase({ ...document, beta: undefined }),
      `{
  "version": "1.0.0",
  "caseId": "c",
  "traces": [],
  "rules": [],
  "fixtures": [],
  "zeta": {
    "a": [
      1,
      []
    ]
  },
  "alpha": null
}
`,
    );
  });

  test('is what JSON.stringify writes, for any document', () => {
    const trace = fc.record(
      { resourceSpans: fc.array(fc.dictionary(fc.string(), fc.jsonValue())) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(trace), fc.jsonValue(), (traces, extra) => {
        const document = { version: '1.0.0', caseId: 'any', traces, extra };
        assert.equal(serializeCase(document as CaseDocument), `${JSON.stringify(document, null, 2)}\n`);
      }),
    );
  });

  test('a file that was read is written back to the letter', () => {
    for (const name of ['exchanges.case.json', 'foreign.case.json']) {
      assert.equal(serializeCase(parseCase(golden(name))), golden(name));
    }
  });
});

describe('parseCase', () => {
  test('takes a byte order mark', () => {
    assert.equal(parseCase(`\uFEFF${serializeCase(small)}`).caseId, 'small');
  });

  test('says where the text is no JSON', () => {
    assert.throws(() => parseCase('{\n  "version": 1.0.0\n}'), {
      name: 'JsonSyntaxError',
      line: 2,
      column: 17,
    });
  });

  test('says which parts do not fit', () => {
    assert.throws(
      () => parseCase('{"version":"2.0.0","caseId":"","traces":[{"resourceSpans":{}}]}'),
      (error) => {
        assert.ok(error instanceof Error && 'issues' in error && Array.isArray(error.issues));
        assert.deepEqual(
          error.issues.map(({ pointer }) => pointer),
          ['/version', '/caseId', '/traces/0/resourceSpans'],
        );
        return true;
      },
    );
  });

  test('a document that is nested too deeply is an error, not a crash', () => {
    const values = `${'{"arrayValue":{"values":['.repeat(50_000)}${']}}'.repeat(50_000)}`;
    const attributes = `[{"key":"k","value":${values}}]`;
    const text = `{"version":"1.0.0","caseId":"c","traces":[{"resourceSpans":[{"resource":{"attributes":${attributes}}}]}]}`;
    assert.throws(() => parseCase(text), { name: 'InvalidDocumentError', message: /nested too deeply/ });
  });
});

describe('readCaseFile', () => {
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  test('reads what writeCaseFile wrote', async () => {
    const path = join(folder, 'round.case.json');
    const document = parseCase(golden('exchanges.case.json'));
    await writeCaseFile(path, document);
    assert.deepEqual(await readCaseFile(path), document);
    assert.equal(readFileSync(path, 'utf8'), golden('exchanges.case.json'));
  });

  for (const [what, content, problem, message] of [
    ['an empty file', '', 'empty', /is empty/],
    ['a file of white space', ' \n\t\r\n', 'empty', /is empty/],
    ['a file that is no UTF-8', Buffer.from('{"a":"\xe9"}', 'latin1'), 'not-text', /not UTF-8/],
    ['a file that is no JSON', '{"version": }', 'not-json', /line 1, column 13/],
    ['a document that is no case', '{"version":"1.0.0"}', 'invalid', /"caseId" is missing/],
  ] as const) {
    test(`${what} is an error with its path`, async () => {
      const path = file('bad.case.json', content);
      await assert.rejects(readCaseFile(path), (error) => {
        assert.ok(error instanceof CaseFileError);
        assert.deepEqual([error.path, error.problem], [path, problem]);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(path));
        if (problem === 'invalid') assert.equal(error.issues[0]?.pointer, '');
        return true;
      });
    });
  }

  test('a missing file and a directory are errors of their own', async () => {
    await assert.rejects(readCaseFile(join(folder, 'missing')), { problem: 'missing', code: 'ENOENT' });
    await assert.rejects(readCaseFile(folder), { problem: 'directory', code: 'EISDIR' });
  });
});

describe('writeCaseFile', () => {
  let target: string;
  let path: string;
  beforeEach(() => {
    target = mkdtempSync(join(folder, 'write-'));
    path = join(target, 'a.case.json');
  });

  test('writes a file that only its owner can read, and nothing beside it', async () => {
    await writeCaseFile(path, small);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(target), ['a.case.json']);
  });

  test('replaces a file whole', async () => {
    writeFileSync(path, 'old'.repeat(10_000));
    await writeCaseFile(path, small);
    assert.equal(readFileSync(path, 'utf8'), serializeCase(small));
  });

  test('writes in pieces what would be a large string', async () => {
    const response = recordedResponse(['content-type', 'text/plain'], 'ü'.repeat(150_000));
    const document = {
      ...small,
      traces: Array.from({ length: 8 }, () => tracesFromExchange(exchangeWith({ response }))),
    };
    await writeCaseFile(path, document);
    assert.deepEqual(await readCaseFile(path), document);
  });

  test('a rename that fails leaves what was there, and no temporary file', async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'x');
    await assert.rejects(writeCaseFile(path, small), (error) => {
      assert.ok(error instanceof CaseFileError && error.cause instanceof Error);
      assert.deepEqual([error.path, error.problem], [path, 'unwritable']);
      assert.match(error.code ?? '', /^(EISDIR|ENOTEMPTY|EEXIST|EPERM)$/);
      return true;
    });
    assert.deepEqual(readdirSync(target), ['a.case.json']);
    assert.equal(readFileSync(join(path, 'inside'), 'utf8'), 'x');
  });

  test('a document that cannot be written as JSON leaves what was there', async () => {
    writeFileSync(path, 'before');
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await assert.rejects(writeCaseFile(path, { ...small, circular }), { problem: 'unwritable' });
    assert.deepEqual(readdirSync(target), ['a.case.json']);
    assert.equal(readFileSync(path, 'utf8'), 'before');
  });

  test('a missing folder is named', async () => {
    await assert.rejects(writeCaseFile(join(target, 'no', 'a.case.json'), small), { code: 'ENOENT' });
  });

  test('a full disk leaves the existing file and no temporary one', async (t) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target], { stdio: 'ignore' });
    } catch {
      t.skip('needs the right to mount a tmpfs');
      return;
    }
    try {
      await writeCaseFile(path, small);
      const response = recordedResponse(['content-type', 'text/plain'], 'x'.repeat(200_000));
      const large = { ...small, traces: [tracesFromExchange(exchangeWith({ response }))] };
      await assert.rejects(writeCaseFile(path, large), {
        name: 'CaseFileError',
        code: 'ENOSPC',
        problem: 'unwritable',
      });
      assert.deepEqual(readdirSync(target), ['a.case.json']);
      assert.equal(readFileSync(path, 'utf8'), serializeCase(small));
    } finally {
      execFileSync('umount', [target]);
    }
  });
});

test('spansOf gives each span with its resource, in order, and stands missing lists', () => {
  const resource = { attributes: [] };
  const document: CaseDocument = {
    ...small,
    traces: [
      { resourceSpans: [{ resource, scopeSpans: [{ spans: [{ name: 'a' }, { name: 'b' }] }, {}] }, {}] },
      { resourceSpans: [] },
      { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'c' }] }] }] },
    ],
  };
  assert.deepEqual(
    Array.from(spansOf(document), (found) => [found.span.name, found.resource]),
    [
      ['a', resource],
      ['b', resource],
      ['c', undefined],
    ],
  );
});
