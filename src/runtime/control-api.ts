import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { caseText, validateDocument } from '../cases/index.ts';
import { type Answer, bytesAnswer, jsonAnswer } from './answer.ts';
import { RuntimeError } from './errors.ts';
import { demandJson, readJson } from './json-body.ts';
import type { LocalRuntime } from './local-runtime.ts';
import { METRICS_CONTENT_TYPE, renderMetrics } from './metrics.ts';
import type { Call, Route } from './router.ts';
import type { ChangedSession } from './session-report.ts';

/** Version of the control API (CONTRACT section 3): clients compare it. */
export const SPEC_VERSION = 'http-control-api@v1';
/** Version of the document shapes. */
export const SCHEMA_VERSION = '1';

/** What GET /v1/meta tells of the program. */
export interface ProgramFacts {
  readonly version: string;
  /** Where the listeners of the proxy are, by name; undefined while they are not open. */
  readonly listeners?: () => Readonly<Record<string, string>> | undefined;
}

/** The calls of CONTRACT section 3. */
export function controlRoutes(runtime: LocalRuntime, { version, listeners }: ProgramFacts): readonly Route[] {
  const versions = { specVersion: SPEC_VERSION, schemaVersion: SCHEMA_VERSION };
  return [
    {
      method: 'GET',
      path: '/health',
      handle: () => jsonAnswer({ status: 'ok', ...versions }),
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => bytesAnswer(Buffer.from(await renderMetrics(runtime)), METRICS_CONTENT_TYPE),
    },
    {
      method: 'GET',
      path: '/v1/meta',
      handle: () => {
        const urls = listeners?.();
        return jsonAnswer({ runtimeVersion: version, ...versions, ...(urls && { listeners: urls }) });
      },
    },
    {
      method: 'POST',
      path: '/v1/sessions',
      handle: async ({ request }) =>
        jsonAnswer(runtime.createSession(validateDocument('session', await demandJson(request)))),
    },
    {
      method: 'GET',
      path: '/v1/sessions',
      handle: () => jsonAnswer({ sessions: runtime.sessions() }),
    },
    change(runtime, 'load-case', (id, body) => runtime.loadCase(id, validateDocument('case', body))),
    change(runtime, 'rules', (id, body) => runtime.setRules(id, validateDocument('rules', body))),
    change(runtime, 'policy', (id, body) => runtime.setPolicy(id, validateDocument('policy', body))),
    change(runtime, 'fixtures/auth', (id, body) =>
      runtime.setAuthFixtures(id, validateDocument('auth-fixtures', body)),
    ),
    {
      method: 'GET',
      path: '/v1/sessions/{id}/stats',
      handle: ({ id }) => jsonAnswer(runtime.stats(id)),
    },
    {
      method: 'GET',
      path: '/v1/sessions/{id}/state',
      handle: ({ id }) => jsonAnswer(runtime.state(id)),
    },
    {
      method: 'GET',
      path: '/v1/sessions/{id}/misses',
      handle: ({ id }) => jsonAnswer(runtime.misses(id)),
    },
    {
      method: 'POST',
      path: '/v1/sessions/{id}/explain',
      handle: async ({ request, id }) => {
        runtime.demandSession(id);
        return jsonAnswer(runtime.explain(id, validateDocument('hop', await demandJson(request))));
      },
    },
    {
      method: 'GET',
      path: '/v1/uncorrelated',
      handle: () => jsonAnswer(runtime.uncorrelated()),
    },
    {
      method: 'POST',
      path: '/v1/sessions/{id}/close',
      handle: (call) => closeSession(runtime, call),
    },
    {
      method: 'GET',
      path: '/v1/captures/{id}',
      handle: ({ id }) => sendCapture(runtime, id),
    },
  ];
}

/** A call that puts a document in the place of the one before. Whether the session is open comes first. */
function change(
  runtime: LocalRuntime,
  name: string,
  apply: (id: string, body: unknown) => ChangedSession,
): Route {
  return {
    method: 'POST',
    path: `/v1/sessions/{id}/${name}`,
    handle: async ({ request, id }) => {
      runtime.demandSession(id);
      return jsonAnswer(apply(id, await demandJson(request)));
    },
  };
}

async function closeSession(runtime: LocalRuntime, { request, id, query }: Call): Promise<Answer> {
  runtime.demandSession(id);
  const body = await readJson(request);
  if (body !== undefined && !isEmptyObject(body)) {
    throw new RuntimeError(
      'invalid_request',
      'expected no body, or {}: the name of the case file goes into ?out=',
    );
  }
  // A misspelt `out` would write the case where nobody looks for it.
  const unknown = [...query.keys()].find((key) => key !== 'out');
  if (unknown !== undefined) {
    throw new RuntimeError(
      'invalid_request',
      `unknown query parameter ${JSON.stringify(unknown.slice(0, 100))}; known: out`,
    );
  }
  const [out, ...more] = query.getAll('out');
  if (more.length > 0) throw new RuntimeError('invalid_request', 'expected one "out", got several');
  return jsonAnswer(await runtime.close(id, out === undefined ? {} : { out }));
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}

/** Sent piece by piece: a case may be larger than what should be in memory twice, or than a string may be. */
async function sendCapture(runtime: LocalRuntime, id: string): Promise<Answer> {
  const capture = runtime.capture(id);
  if (capture.kind === 'open') {
    const body = Readable.from(caseText(capture.document));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  try {
    const file = await open(capture.path);
    const { size } = await file.stat();
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'content-length': String(size) },
      body: file.createReadStream({ end: Math.max(size - 1, 0) }),
    };
  } catch (error) {
    throw new RuntimeError(
      'not_found',
      'the session is closed and its case file is no longer where it was written',
      {
        cause: error,
      },
    );
  }
}
