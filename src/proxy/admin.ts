import type { IncomingMessage, ServerResponse } from 'node:http';

export interface AdminOptions {
  /** True while every listener accepts. */
  readonly isReady: () => boolean;
  /** Prometheus text. */
  readonly renderMetrics: () => Promise<string>;
  readonly metricsContentType: string;
}

/** Answers the admin listener: `/ready` and `/health` for deployments, `/metrics` for Prometheus. */
export function createAdminListener(
  options: AdminOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      sendJson(response, 405, {
        error: { code: 'method_not_allowed', message: 'the admin listener answers GET and HEAD' },
      });
    } else if (path === '/ready') {
      const ready = options.isReady();
      sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' });
    } else if (path === '/health') {
      sendJson(response, 200, { status: 'ok' });
    } else if (path === '/metrics') {
      options.renderMetrics().then(
        (text) => response.writeHead(200, { 'content-type': options.metricsContentType }).end(text),
        () =>
          sendJson(response, 500, {
            error: { code: 'internal_error', message: 'the metrics could not be rendered' },
          }),
      );
    } else {
      sendJson(response, 404, {
        error: { code: 'not_found', message: 'the admin listener has /ready, /health and /metrics' },
      });
    }
  };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
