/**
 * What to do: sessions, rules, policy, `decide()` and the recording; and their HTTP face, the control API
 * and the OTLP API. Knows what a hop is, not how its bytes move.
 */
export type {
  Decision,
  Forward,
  NeedBody,
  PreparedResponse,
  Respond,
  Runtime,
  SessionTicket,
} from './decision.ts';
