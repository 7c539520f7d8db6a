/**
 * The client of the control API: what a test imports. Knows case files and HTTP, and nothing of the proxy and the
 * runtime, so that a test that only talks to them does not load them.
 */

export type {
  AppliedRules,
  ClosedSession,
  Explanation,
  FailedPredicate,
  LoadedCase,
  NearMiss,
  SessionChange,
  SessionStats,
  StrictMiss,
} from './answers.ts';
export { CaseLoadError, RuntimeError, RuntimeUnreachableError, UnknownSessionError } from './errors.ts';
export type { OutboundMock, OutboundMockTarget } from './outbound-mock.ts';
export { type MockedCase, type RequestDescription, SoftprobeSession } from './session.ts';
export { Softprobe, type SoftprobeOptions } from './softprobe.ts';
export type { FetchLike } from './transport.ts';
