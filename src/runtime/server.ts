import type { IncomingMessage, ServerResponse } from 'node:http';
import { InvalidDocumentError } from '../cases/index.ts';
import { type Answer, errorAnswer, writeAnswer } from './answer.ts';
import { demandBearerToken } from './bearer-token.ts';
import { controlRoutes, type ProgramFacts } from './control-api.ts';
import { RuntimeError } from './errors.ts';
import { ClientGoneError } from './http-body.ts';
import type { LocalRuntime } from './local-runtime.ts';
import { refuseForeignHost, refuseForeignOrigin } from './origin-guard.ts';
import { otlpRoutes } from './otlp-api.ts';
import { type Route, Router } from './router.ts';

export interface ControlListenerOptions extends ProgramFacts {
  /** Demanded on every `/v1/*` when given. */
  readonly apiToken?: string;
}

/**
 * The control API and the OTLP API as a listener for `http.createServer`. Never throws: whatever goes wrong
 * becomes an answer, or a closed connection where the answer has begun.
 */
export function createControlListener(
  runtime: LocalRuntime,
  options: ControlListenerOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const router = new Router([...controlRoutes(runtime, options), ...otlpRoutes(runtime)]);
  const { apiToken } = options;

  /** Guards, then route, then the route's handler: each may throw a RuntimeError. */
  async function answerCall(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    const { path, query } = splitUrl(request.url ?? '');
    let route: Route | undefined;
    try {
      refuseForeignOrigin(request.headers.origin);
      if (isGuarded(path)) admit(request);
      const found = router.find(request.method ?? '', path);
      if ('allow' in found) return { status: 204, headers: { allow: found.allow }, body: new Uint8Array() };
      route = found.route;
      return await route.handle({ request, id: found.id, query, signal });
    } catch (error) {
      if (error instanceof ClientGoneError || signal.aborted) throw error;
      const shown = asRuntimeError(error);
      if (shown.side === 'runtime') runtime.logger.error({ err: error, path: route?.path }, 'call failed');
      return route?.answerError?.(shown, request) ?? errorAnswer(shown);
    }
  }

  /** A page cannot know the token. Without one, what it could have its browser do is refused by other signs. */
  function admit({ method, headers }: IncomingMessage): void {
    if (apiToken !== undefined) demandBearerToken(headers.authorization, apiToken);
    // Others carry an `Origin` when they come from a page, which has been looked at.
    else if (method === 'GET' || method === 'HEAD') refuseForeignHost(headers.host);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = new AbortController();
    response.once('close', () => abort.abort());
    try {
      await writeAnswer(await answerCall(request, abort.signal), request, response);
    } catch (error) {
      // The client is gone, or the answer broke off half-way: a clean end would pass it off as whole.
      const level = isClientGone(error) ? 'debug' : 'error';
      runtime.logger[level]({ err: error }, 'answer of a call broke off');
      response.destroy();
    }
  }

  return (request, response) => void serve(request, response);
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  if (mark === -1) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Routes match the path as it came, so nothing under `/v1/` can be reached by another spelling. */
function isGuarded(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}

/** That a client does not wait for its answer is its own affair. */
function isClientGone(error: unknown): boolean {
  if (error instanceof ClientGoneError) return true;
  const { name, code = '' } = error as NodeJS.ErrnoException;
  return name === 'AbortError' || ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(code);
}

function asRuntimeError(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (error instanceof InvalidDocumentError) {
    return new RuntimeError('invalid_request', error.message, { details: error.issues, cause: error });
  }
  return new RuntimeError(
    'internal_error',
    'the runtime failed in a way that it should not; its log says more',
    {
      cause: error,
    },
  );
}
