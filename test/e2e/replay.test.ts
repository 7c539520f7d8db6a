import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CaseDocument, Span } from '../../src/cases/documents.generated.ts';
import { findAllInCase, ruleFromHit } from '../../src/cases/index.ts';
import { rows } from './rows/index.ts';
import type { RecordedForm, Row } from './rows/row.ts';
import { decodedBody } from './support/content-decoding.ts';
import { Session } from './support/control-client.ts';
import { field, type Head, type Response, splitRequest } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { endToEnd, type Route, renderRequest, send } from './support/route.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

/** What the client of the capture saw, and the case that was written. */
interface Captured {
  readonly answer: Response;
  readonly document: CaseDocument;
}

let origin: ScriptedOrigin;
let program: Program;
const captured = new Map<Row, Promise<Captured>>();

before(async () => {
  origin = await ScriptedOrigin.listen();
  // Secrets would be replayed as placeholders: here every header is compared.
  program = await Program.start(origin.url, ['--no-redact']);
  for (const row of rows) {
    const capture = captureRow(row);
    captured.set(row, capture);
    // One row that fails must not take the others along: its own tests report it.
    await capture.catch(() => {});
  }
  await origin[Symbol.asyncDispose]();
});
after(() => program[Symbol.asyncDispose]());

describe('the case holds what passed', () => {
  for (const row of rows) {
    test(row.name, async () => {
      const { answer, document } = await captureOf(row);
      const span = onlySpan(document);
      const [path, query] = splitTarget(row.request.target);
      assert.equal(attribute(span, 'sp.traffic.direction'), 'outbound');
      assert.equal(attribute(span, 'http.request.method'), row.request.method);
      assert.equal(attribute(span, 'url.path'), path);
      assert.equal(attribute(span, 'url.query'), query);
      assert.equal(attribute(span, 'url.host'), origin.authority);
      assert.equal(attribute(span, 'http.response.status_code'), answer.status);
      assert.equal(attribute(span, 'error.type'), undefined);
      const sent = await splitRequest(renderRequest(row.request, { ...egress(), form: 'origin' }, origin));
      for (const [name, values] of valuesByName(sent)) {
        assert.deepEqual([attribute(span, `http.request.header.${name}`)].flat(), values, name);
      }
      for (const [name, values] of valuesByName(answer, ['x-softprobe-outcome'])) {
        assert.deepEqual([attribute(span, `http.response.header.${name}`)].flat(), values, name);
      }
      for (const [name, values] of valuesByName({ headers: answer.trailers })) {
        assert.deepEqual([attribute(span, `http.response.trailer.${name}`)].flat(), values, name);
      }
    });

    test(`bodies: ${row.name}`, async () => {
      const { answer, document } = await captureOf(row);
      const span = onlySpan(document);
      const sent = await splitRequest(renderRequest(row.request, egress(), origin));
      expectRecordedBody(span, 'request', sent.body, row.recordedRequestBody);
      expectRecordedBody(span, 'response', answer.body, row.recordedBody);
    });
  }
});

describe('with the origin stopped, a rule made from the case answers as the origin did', () => {
  for (const row of rows) {
    test(row.name, { skip: row.notReplayable ?? false }, async () => {
      const { answer, document } = await captureOf(row);
      const session = await Session.open(program.control, { mode: 'replay' });
      await session.loadCase(document);
      const hits = findAllInCase(document, { direction: 'outbound' });
      await session.setRules(hits.map((hit) => ruleFromHit(hit)));
      await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
      const replayed = await send(row, { ...egress(), session }, origin);
      await session.close();
      assert.equal(field(replayed, 'x-softprobe-outcome'), 'mock');
      assert.equal(replayed.status, answer.status);
      expectSameHeaders(replayed, answer);
      expectSameBody(replayed, answer);
    });
  }
});

function egress(): Route {
  return { kind: 'egress', url: program.egress, form: 'absolute' };
}

async function captureRow(row: Row): Promise<Captured> {
  origin.clear();
  origin.next(row.response);
  const session = await Session.open(program.control, { mode: 'capture' });
  const answer = await send(row, { ...egress(), session }, origin);
  return { answer, document: await session.closeToCase() };
}

function captureOf(row: Row): Promise<Captured> {
  const capture = captured.get(row);
  if (capture === undefined) throw new Error(`${row.name} was not captured`);
  return capture;
}

function expectRecordedBody(
  span: Span,
  side: 'request' | 'response',
  passed: Buffer,
  form: RecordedForm = { text: passed.toString('utf8') },
) {
  const key = `http.${side}.body`;
  const held = [attribute(span, key) ?? '', attribute(span, `${key}.encoding`)];
  assert.deepEqual(held, 'text' in form ? [form.text, undefined] : [form.base64, 'base64']);
  if (passed.length > 0) assert.equal(attribute(span, `${key}.size`), passed.length);
}

/**
 * The same fields with the same values. The framing is compared where the capture's client saw a length; a
 * rule has no trailers, and so does not announce any.
 */
function expectSameHeaders(replayed: Response, answer: Response) {
  const recoded = field(answer, 'content-encoding') !== undefined;
  const framed = field(answer, 'content-length') !== undefined && !recoded;
  const without = [
    'x-softprobe-outcome',
    'x-softprobe-rule',
    'trailer',
    ...(framed ? [] : ['content-length']),
  ];
  assert.deepEqual(valuesByName(replayed, without), valuesByName(answer, without));
}

function expectSameBody(replayed: Response, answer: Response) {
  assert.equal(replayed.ending, 'complete');
  assert.equal(decodedBody(replayed).compare(decodedBody(answer)), 0, 'the body is another');
}

/** Values of the end-to-end fields under their lower-case names, which is how a case holds them. */
function valuesByName(head: Pick<Head, 'headers'>, without: readonly string[] = []): Map<string, string[]> {
  const kept = endToEnd(head, without);
  const values = new Map<string, string[]>();
  for (let index = 0; index < kept.length; index += 2) {
    const name = kept[index]?.toLowerCase() ?? '';
    values.set(name, [...(values.get(name) ?? []), kept[index + 1] ?? '']);
  }
  return new Map([...values].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function splitTarget(target: string): [path: string, query: string | undefined] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, undefined] : [target.slice(0, mark), target.slice(mark + 1)];
}
