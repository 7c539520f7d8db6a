import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createControlListener, LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtime/index.ts';

/** A new empty folder, gone when the test ends. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'softprobe-runtime-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; the tests look into it by path. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails where it is not
  readonly json: any;
}

export interface RuntimeServer {
  readonly runtime: LocalRuntime;
  readonly url: string;
  readonly port: number;
  readonly captureDir: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Creates a session and returns its id. */
  session(request?: object): Promise<string>;
}

/** The runtime behind a real HTTP server on a free port of the loopback interface. */
export async function startRuntime(
  context: TestContext,
  options: Partial<LocalRuntimeOptions> & { apiToken?: string } = {},
): Promise<RuntimeServer> {
  const { apiToken, ...runtimeOptions } = options;
  const captureDir = runtimeOptions.captureDir ?? (await temporaryFolder(context));
  const runtime = new LocalRuntime({ ...runtimeOptions, captureDir });
  const server = createServer(
    createControlListener(runtime, { version: '9.9.9', ...(apiToken !== undefined && { apiToken }) }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const call: RuntimeServer['call'] = async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(url + path, {
      method,
      headers: { ...(body !== undefined && !isText && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isText ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  const session = async (request: object = { mode: 'capture' }) => {
    const { status, json, text } = await call('POST', '/v1/sessions', request);
    if (status !== 200) throw new Error(`no session: ${status} ${text}`);
    return String(json.sessionId);
  };
  return { runtime, url, port, captureDir, call, session };
}
