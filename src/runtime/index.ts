/**
 * What to do: sessions, rules, policy, `decide()` and the recording; and their HTTP face, the control API
 * and the OTLP API. Knows what a hop is, not how its bytes move.
 */
export type {
  Decision,
  Forward,
  PreparedResponse,
  Respond,
  Runtime,
  SessionTicket,
  UncorrelatedRequest,
} from './decision.ts';
export { LocalRuntime, type LocalRuntimeOptions } from './local-runtime.ts';
export { METRICS_CONTENT_TYPE, renderMetrics } from './metrics.ts';
export { RecentMap } from './recent-map.ts';
export { type ControlListenerOptions, createControlListener } from './server.ts';
