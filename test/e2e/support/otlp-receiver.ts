import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';
import root from 'otlp-receiver/build/src/generated/root.js';

/** A span as OpenTelemetry's own protobuf code reads it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly service: string;
  readonly attributes: ReadonlyMap<string, unknown>;
}

export interface ReceivedRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly spans: readonly ReceivedSpan[];
}

/** What the receiver says to a request. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * An OTLP/HTTP receiver. What it understands of a request is up to OpenTelemetry: requests are read, and answers
 * written, by the protobuf code that the OpenTelemetry JavaScript SDK generates from the specification's own .proto
 * files (`@opentelemetry/otlp-transformer`, the last version that is published with it, here as `otlp-receiver`). Only
 * HTTP around it is ours. There is no collector among the packages that these tests may install.
 */
export class OtlpReceiver implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  /** What to say to the next requests, one each; success when it is empty. */
  readonly refusals: Refusal[] = [];
  /** Told in the next success: so many spans were refused. */
  rejectedSpans = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const whole = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
      const isJson = request.headers['content-type'] === 'application/json';
      const spans = spansOf(
        isJson ? Request.fromObject(JSON.parse(body.toString())) : Request.decode(body),
        isJson,
      );
      this.requests.push({ url: request.url ?? '', headers: request.headers, spans });
      const refusal = this.refusals.shift();
      if (refusal !== undefined) {
        response.writeHead(refusal.status, { ...refusal.headers }).end(refusal.body);
        return;
      }
      const partialSuccess = { rejectedSpans: this.rejectedSpans, errorMessage: 'too old' };
      const answer = this.rejectedSpans === 0 ? {} : { partialSuccess };
      response
        .writeHead(200, { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' })
        .end(isJson ? JSON.stringify(answer) : Response.encode(Response.fromObject(answer)).finish());
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  get spans(): ReceivedSpan[] {
    return this.requests.flatMap(({ spans }) => spans);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The parts of the generated code that are used; it has no types of its own. */
interface MessageType {
  decode(bytes: Uint8Array): unknown;
  fromObject(object: object): unknown;
  toObject(message: unknown, options: object): WireRequest;
  encode(message: unknown): { finish(): Uint8Array };
}

const generated = root as unknown as {
  opentelemetry: {
    proto: {
      collector: {
        trace: { v1: { ExportTraceServiceRequest: MessageType; ExportTraceServiceResponse: MessageType } };
      };
    };
  };
};
const { ExportTraceServiceRequest: Request, ExportTraceServiceResponse: Response } =
  generated.opentelemetry.proto.collector.trace.v1;

interface WireAttribute {
  readonly key: string;
  readonly value: { readonly [kind: string]: unknown };
}

interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'service' | 'attributes'> & {
        readonly attributes: readonly WireAttribute[];
      })[];
    }[];
  }[];
}

/** @param isJson ids came in hex, which the protobuf code of JavaScript takes for base64: OTLP/JSON differs there */
function spansOf(message: unknown, isJson: boolean): ReceivedSpan[] {
  const options = { longs: String, bytes: String, defaults: true };
  const idOf = (base64: string) => (isJson ? base64 : Buffer.from(base64, 'base64').toString('hex'));
  return Request.toObject(message, options).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        traceId: idOf(span.traceId),
        spanId: idOf(span.spanId),
        parentSpanId: idOf(span.parentSpanId),
        service: String(attributesOf(resource?.attributes ?? []).get('service.name') ?? ''),
        attributes: attributesOf(span.attributes),
      })),
    ),
  );
}

function attributesOf(attributes: readonly WireAttribute[]): Map<string, unknown> {
  return new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
