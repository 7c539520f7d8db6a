import { describeTlsFailure, type FailedHandshake } from './tls-failure.ts';

/**
 * Every way in which the proxy itself can fail a request: a stable code, the HTTP status that the client
 * sees (CONTRACT section 9), the side that failed, and the `error.type` under which it is recorded.
 */
const REGISTRY = {
  malformed_request: { status: 400, side: 'downstream', type: 'malformed-request' },
  invalid_target: { status: 400, side: 'downstream', type: 'invalid-target' },
  method_not_allowed: { status: 405, side: 'downstream', type: 'method-not-allowed' },
  request_timeout: { status: 408, side: 'downstream', type: 'timeout' },
  header_too_large: { status: 431, side: 'downstream', type: 'header-too-large' },
  client_aborted: { status: 499, side: 'downstream', type: 'aborted' },
  upstream_refused: { status: 502, side: 'upstream', type: 'ECONNREFUSED' },
  upstream_reset: { status: 502, side: 'upstream', type: 'ECONNRESET' },
  upstream_unreachable: { status: 502, side: 'upstream', type: 'EHOSTUNREACH' },
  upstream_name_not_found: { status: 502, side: 'upstream', type: 'ENOTFOUND' },
  upstream_certificate_expired: { status: 502, side: 'upstream', type: 'certificate-expired' },
  upstream_certificate_untrusted: { status: 502, side: 'upstream', type: 'certificate-untrusted' },
  upstream_certificate_wrong_host: { status: 502, side: 'upstream', type: 'certificate-wrong-host' },
  upstream_certificate: { status: 502, side: 'upstream', type: 'certificate' },
  upstream_tls: { status: 502, side: 'upstream', type: 'tls' },
  upstream_invalid_response: { status: 502, side: 'upstream', type: 'invalid-response' },
  upstream_header_too_large: { status: 502, side: 'upstream', type: 'header-too-large' },
  upstream_connect_timeout: { status: 504, side: 'upstream', type: 'timeout' },
  upstream_header_timeout: { status: 504, side: 'upstream', type: 'timeout' },
  loop_detected: { status: 508, side: 'downstream', type: 'loop' },
  internal_error: { status: 500, side: 'internal', type: 'internal' },
} as const satisfies Record<
  string,
  { status: number; side: 'downstream' | 'upstream' | 'internal'; type: string }
>;

export type ProxyErrorCode = keyof typeof REGISTRY;

/** The proxy could not do what a request asked for. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;
  /** HTTP status for the client. 499 is never sent: the client is gone. */
  readonly status: number;
  readonly side: 'downstream' | 'upstream' | 'internal';
  /** `error.type` of the recorded exchange (CONTRACT section 5). */
  readonly type: string;

  constructor(code: ProxyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = REGISTRY[code].status;
    this.side = REGISTRY[code].side;
    const { type } = REGISTRY[code];
    // Where the registry has a name of the system's, the cause may have the better one.
    this.type = (isSystemErrorCode(type) ? systemErrorCode(cause) : undefined) ?? type;
  }
}

/** The system's own name for a failure is the better `error.type`, where there is one: `ECONNREFUSED`. */
function systemErrorCode(cause: unknown): string | undefined {
  const code = codeOf(cause);
  return code !== undefined && isSystemErrorCode(code) && code !== 'ETIMEDOUT' ? code : undefined;
}

function isSystemErrorCode(code: string): boolean {
  return /^E[A-Z]+$/.test(code);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** `code` that the connector gives to an upstream's `ECONNRESET`. */
export const UPSTREAM_RESET = 'ERR_UPSTREAM_RESET';

/**
 * What a failure of the upstream side means, told in the words of the registry.
 *
 * @param authority where the request was going
 * @param handshake the TLS handshake that failed, if it was one
 */
export function describeUpstreamFailure(
  error: unknown,
  authority: string,
  handshake?: FailedHandshake,
): ProxyError {
  if (error instanceof ProxyError) return error;
  const tls = describeTlsFailure(error, authority, handshake);
  if (tls !== undefined) return new ProxyError(tls.code, tls.message, error);
  const code = codeOf(error) ?? '';
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'ECONNREFUSED':
      return new ProxyError('upstream_refused', `nothing accepts connections at ${authority}`, error);
    case 'ECONNRESET':
    case UPSTREAM_RESET:
    case 'EPIPE':
    case 'ECONNABORTED':
    case 'UND_ERR_SOCKET':
      return new ProxyError(
        'upstream_reset',
        `${authority} closed the connection before its response was complete`,
        error,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return new ProxyError('upstream_name_not_found', `the name of ${authority} does not resolve`, error);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
    case 'EINVAL':
      return new ProxyError('upstream_unreachable', `${authority} cannot be reached (${code})`, error);
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new ProxyError(
        'upstream_connect_timeout',
        `${authority} did not accept a connection in time`,
        error,
      );
    case 'UND_ERR_HEADERS_TIMEOUT':
      return new ProxyError('upstream_header_timeout', `${authority} sent no response header in time`, error);
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return new ProxyError(
        'upstream_header_too_large',
        `the response header of ${authority} is too large`,
        error,
      );
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return new ProxyError(
        'upstream_reset',
        `${authority} ended its response before its content-length`,
        error,
      );
  }
  if (code.startsWith('HPE_') || code === 'UND_ERR_HTTP_PARSER') {
    return new ProxyError(
      'upstream_invalid_response',
      `${authority} did not answer in HTTP/1.1 (${detail})`,
      error,
    );
  }
  // Happy Eyeballs: several addresses, each with its own failure; the first tells enough.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return describeUpstreamFailure(error.errors[0], authority);
  }
  return new ProxyError('upstream_reset', `the exchange with ${authority} failed: ${detail}`, error);
}
