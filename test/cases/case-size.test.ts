import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseDocument, checkCase, type Span } from '../../src/cases/index.ts';

const caseOf = (...spans: Span[]): CaseDocument => ({
  version: '1.0.0',
  caseId: 'c',
  traces: spans.map((span) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })),
});
const attribute = (key: string, length: number) => ({ key, value: { stringValue: 'x'.repeat(length) } });
const pointers = (document: CaseDocument) => checkCase(document).map(({ pointer }) => pointer);

test('a case within the guidance has no warnings', () => {
  const attributes = Array.from({ length: 128 }, (_, i) => attribute(`k${i}`, 10));
  assert.deepEqual(checkCase(caseOf({ attributes: [...attributes.slice(1), attribute('k', 65_536)] })), []);
  assert.deepEqual(checkCase(caseOf(...Array.from({ length: 100 }, () => ({})))), []);
});

test('warns of too many spans', () => {
  assert.deepEqual(pointers(caseOf(...Array.from({ length: 101 }, () => ({})))), ['/traces']);
});

test('warns of too many attributes, and of a value that is too long, with its name', () => {
  const place = '/traces/0/resourceSpans/0/scopeSpans/0/spans/0/attributes';
  assert.deepEqual(pointers(caseOf({ attributes: Array.from({ length: 129 }, () => attribute('k', 1)) })), [
    place,
  ]);
  const [issue] = checkCase(
    caseOf({ attributes: [attribute('a', 1), attribute('http.response.body', 65_537)] }),
  );
  assert.equal(issue?.pointer, `${place}/1/value`);
  assert.match(issue?.message ?? '', /http\.response\.body has 65537 bytes/);
});

test('warns of a trace that is too large, by its bytes', () => {
  const attributes = Array.from({ length: 17 }, (_, i) => attribute(`k${i}`, 65_000));
  assert.deepEqual(pointers(caseOf({}, { attributes })), ['/traces/1']);
});
