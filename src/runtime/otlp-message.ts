import type { IncomingMessage } from 'node:http';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  normalizeTraces,
  OtlpError,
  type TracesData,
  tracesFromProtobuf,
  tracesToProtobuf,
} from '../cases/index.ts';
import { type Answer, bytesAnswer } from './answer.ts';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';
import { readBody } from './http-body.ts';
import { parseDocument } from './json-body.ts';

/** The two encodings of OTLP/HTTP (OTLP specification, "OTLP/HTTP"). */
export type OtlpEncoding = 'json' | 'protobuf';

const CONTENT_TYPE = { json: 'application/json', protobuf: 'application/x-protobuf' } as const;

const ENCODING_OF_TYPE: ReadonlyMap<string, OtlpEncoding> = new Map([
  ['application/json', 'json'],
  ['application/x-protobuf', 'protobuf'],
  ['application/protobuf', 'protobuf'],
]);

/** `google.rpc.Code`, which the OTLP specification wants in the body of an error. */
const RPC_CODE: Partial<Record<RuntimeErrorCode, number>> = {
  invalid_request: 3,
  unsupported_media_type: 3,
  unknown_session: 5,
  not_found: 5,
  payload_too_large: 8,
};
const RPC_INTERNAL = 13;

export interface TracesRequest {
  readonly traces: TracesData;
  /** Bytes of the message, decompressed. */
  readonly size: number;
}

/**
 * Reads an OTLP request. Without a content type, or with the form type of `curl -d`, it is taken for JSON.
 *
 * @throws {RuntimeError} `unsupported_media_type`, or `invalid_request` for what is not OTLP
 */
export async function readTraces(request: IncomingMessage): Promise<TracesRequest> {
  const encoding = requestEncoding(request);
  if (encoding === undefined) {
    const given = JSON.stringify((request.headers['content-type'] ?? '').slice(0, 100));
    throw new RuntimeError(
      'unsupported_media_type',
      `expected Content-Type application/x-protobuf or application/json, got ${given}`,
    );
  }
  const bytes = await readBody(request);
  try {
    const traces = encoding === 'json' ? normalizeTraces(parseDocument(bytes)) : tracesFromProtobuf(bytes);
    return { traces, size: bytes.length };
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    throw new RuntimeError('invalid_request', `the body is not OTLP: ${error.message}`, {
      ...(error.issues.length > 0 && { details: error.issues }),
      cause: error,
    });
  }
}

/** The encoding to answer in: what the client accepts, else what it sent (else JSON). */
export function answerEncoding(request: IncomingMessage): OtlpEncoding {
  const sent = requestEncoding(request) ?? 'json';
  return acceptedEncoding(request.headers.accept ?? '*/*', sent) ?? sent;
}

export function tracesAnswer(
  traces: TracesData,
  encoding: OtlpEncoding,
  headers: Readonly<Record<string, string>>,
): Answer {
  const body = encoding === 'json' ? Buffer.from(JSON.stringify(traces)) : tracesToProtobuf(traces);
  return bytesAnswer(body, CONTENT_TYPE[encoding], 200, headers);
}

/** Spans of an export that were not taken. */
export interface Rejection {
  readonly spans: number;
  readonly message: string;
}

/** An ExportTraceServiceResponse: empty where all is well, else with its `partial_success` (field 1). */
export function exportAnswer(encoding: OtlpEncoding, rejection: Rejection | undefined): Answer {
  const { spans, message } = rejection ?? { spans: 0, message: '' };
  if (encoding === 'json') {
    const body = rejection ? { partialSuccess: { rejectedSpans: String(spans), errorMessage: message } } : {};
    return bytesAnswer(Buffer.from(JSON.stringify(body)), CONTENT_TYPE.json);
  }
  const writer = new BinaryWriter();
  if (rejection) writer.tag(1, 2).fork().tag(1, 0).int64(spans).tag(2, 2).string(message).join();
  return bytesAnswer(writer.finish(), CONTENT_TYPE.protobuf);
}

/** An error as a `google.rpc.Status` (code 1, message 2). In JSON errors have the control API's form instead. */
export function statusAnswer({ code, message, status, headers }: RuntimeError): Answer {
  const body = new BinaryWriter()
    .tag(1, 0)
    .int32(RPC_CODE[code] ?? RPC_INTERNAL)
    .tag(2, 2)
    .string(message)
    .finish();
  return bytesAnswer(body, CONTENT_TYPE.protobuf, status, headers);
}

function requestEncoding(request: IncomingMessage): OtlpEncoding | undefined {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/x-www-form-urlencoded') return 'json';
  return ENCODING_OF_TYPE.get(type);
}

/** Content negotiation between two types (RFC 9110 section 12.5.1): the highest weight, the first on a tie. */
function acceptedEncoding(accept: string, sent: OtlpEncoding): OtlpEncoding | undefined {
  let best: { encoding: OtlpEncoding; weight: number } | undefined;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const encoding = type === '*/*' || type === 'application/*' ? sent : ENCODING_OF_TYPE.get(type);
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    if (encoding !== undefined && weight > (best?.weight ?? 0)) best = { encoding, weight };
  }
  return best?.encoding;
}
