/**
 * The OpenTelemetry set-up of the shop, as users' services have it: loaded before the service with
 * `node --import ./instrumentation.ts`. Nothing is exported here; what matters is that the trace context of a
 * request that comes in (`traceparent`, `tracestate`) travels on with the requests that it causes.
 */
import { register } from 'node:module';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';

// The service is an ES module: without this hook, its `import http from 'node:http'` stays uninstrumented.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

/** Takes the spans where an exporter would: without any processor the SDK would make no spans at all. */
const dropSpans = {
  onStart() {},
  onEnd() {},
  async forceFlush() {},
  async shutdown() {},
};

const sdk = new NodeSDK({
  serviceName: 'shop',
  instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()],
  spanProcessors: [dropSpans],
  logRecordProcessors: [],
  metricReaders: [],
});
sdk.start();
