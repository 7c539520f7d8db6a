import { Counter, Gauge, Histogram, prometheusContentType, Registry } from 'prom-client';
import type { RuntimeCounters } from './counters.ts';

export const METRICS_CONTENT_TYPE: string = prometheusContentType;

/** Label value of the listener that serves a direction (CONTRACT section 1). */
const LISTENER = { inbound: 'ingress', outbound: 'egress' } as const;

/**
 * The runtime's metrics (CONTRACT section 11) in a registry of their own, so that two runtimes in one process
 * stay apart. The hot path adds to plain integers; they become metrics when somebody asks.
 */
export class RuntimeMetrics {
  readonly registry = new Registry();
  /** Seconds from the last byte of a POST /v1/inject to its decision, a rule's own latency left out. */
  readonly injectLatency: Histogram;

  /** @param openSessions counts the sessions that are open now */
  constructor(counters: RuntimeCounters, openSessions: () => number) {
    const registers = [this.registry];
    new Counter({
      name: 'softprobe_sessions_total',
      help: 'Sessions created.',
      labelNames: ['mode'],
      registers,
      collect() {
        this.reset();
        for (const [mode, count] of Object.entries(counters.sessions)) this.inc({ mode }, count);
      },
    });
    new Gauge({
      name: 'softprobe_sessions_open',
      help: 'Sessions that are open now.',
      registers,
      collect() {
        this.set(openSessions());
      },
    });
    new Counter({
      name: 'softprobe_inject_requests_total',
      help: 'Decisions about hops: hit was answered here, miss was forwarded, error could not be decided.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(counters.inject)) this.inc({ outcome }, count);
      },
    });
    this.injectLatency = new Histogram({
      name: 'softprobe_inject_latency_seconds',
      help: 'Time to decide on a hop that came by POST /v1/inject.',
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    });
    plainCounter('softprobe_extract_spans_total', 'Exchanges recorded.', () => counters.extractedSpans);
    plainCounter(
      'softprobe_extract_bytes_total',
      'Bytes of recorded bodies, and of spans that came by POST /v1/traces.',
      () => counters.extractedBytes,
    );
    plainCounter(
      'softprobe_strict_misses_total',
      'Hops refused by a strict policy.',
      () => counters.strictMisses,
    );
    plainCounter(
      'softprobe_forwarded_outbound_total',
      'Outbound hops of sessions, tunnels among them, that were let out.',
      () => counters.hops.forwardedOutbound,
    );
    new Counter({
      name: 'softprobe_session_attribution_total',
      help: 'Hops by what tied them to their session.',
      labelNames: ['attribution'],
      registers,
      collect() {
        this.reset();
        for (const [attribution, count] of Object.entries(counters.hops.byAttribution)) {
          this.inc({ attribution }, count);
        }
      },
    });
    new Counter({
      name: 'softprobe_uncorrelated_requests_total',
      help: 'Requests that named a session which is not open.',
      labelNames: ['listener'],
      registers,
      collect() {
        this.reset();
        this.inc({ listener: LISTENER.inbound }, counters.uncorrelated.inbound);
        this.inc({ listener: LISTENER.outbound }, counters.uncorrelated.outbound);
      },
    });

    function plainCounter(name: string, help: string, read: () => number): void {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    }
  }
}

/** The metrics of a runtime in the Prometheus text format, for any listener that serves `/metrics`. */
export function renderMetrics(runtime: { readonly metrics: RuntimeMetrics }): Promise<string> {
  return runtime.metrics.registry.metrics();
}
