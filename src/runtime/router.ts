import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.ts';
import { RuntimeError } from './errors.ts';

/** One call of the API: what its handler may look at. */
export interface Call {
  readonly request: IncomingMessage;
  /** What stood in the place of `{id}`, decoded; '' for a path without one. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `{id}` stands for one segment. */
  readonly path: string;
  handle(call: Call): Answer | Promise<Answer>;
  /** Words an error in the route's own form where that is not the JSON of the control API. */
  answerError?(error: RuntimeError, request: IncomingMessage): Answer;
}

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
}

/** Finds the route of a request in a table. */
export class Router {
  readonly #routes: readonly CompiledRoute[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
  }

  /**
   * @param path the path as it came, without the query
   * @returns the route, or the methods that the path knows where the request asks for them by OPTIONS
   * @throws {RuntimeError} `not_found`, `method_not_allowed`, `invalid_request` for an id that does not decode
   */
  find(method: string, path: string): { route: Route; id: string } | { allow: string } {
    const segments = path.split('/');
    const onPath = this.#routes.filter((candidate) => fits(candidate.segments, segments));
    if (onPath.length === 0) {
      throw new RuntimeError(
        'not_found',
        `there is no ${JSON.stringify(path.slice(0, 200))} here; GET /health works`,
      );
    }
    const wanted = method === 'HEAD' ? 'GET' : method;
    const found = onPath.find(({ route }) => route.method === wanted);
    if (found !== undefined) return { route: found.route, id: idIn(found.segments, segments) };
    const allow = allowedMethods(onPath);
    if (method === 'OPTIONS') return { allow };
    throw new RuntimeError('method_not_allowed', `expected ${allow}, got ${method}`, { headers: { allow } });
  }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, i) => (part === '{id}' ? segments[i] !== '' : part === segments[i]))
  );
}

function idIn(pattern: readonly string[], segments: readonly string[]): string {
  const raw = segments[pattern.indexOf('{id}')] ?? '';
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    throw new RuntimeError('invalid_request', 'the id in the path is not valid percent-encoding', {
      cause: error,
    });
  }
}

function allowedMethods(routes: readonly CompiledRoute[]): string {
  const methods = routes.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  return [...methods, 'OPTIONS'].join(', ');
}
