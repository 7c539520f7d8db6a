/** What the project promises: one contender's requests/s over another's, in the same round. */
export interface Target {
  readonly contender: string;
  readonly peer: string;
  readonly atLeast: number;
}

export const TARGETS: readonly Target[] = [
  { contender: 'no-session', peer: 'undici', atLeast: 0.85 },
  { contender: 'no-session', peer: 'http-proxy-3', atLeast: 2.3 },
  // http-proxy-3 records nothing: ours does the same forwarding and keeps every exchange besides.
  { contender: 'recording', peer: 'http-proxy-3', atLeast: 2.0 },
  { contender: 'rule-of-10', peer: 'node-http', atLeast: 0.65 },
  { contender: 'rule-of-10000', peer: 'rule-of-10', atLeast: 0.9 },
  { contender: 'intercepted', peer: 'mockttp', atLeast: 5 },
  // Both legs are TLS, and the client's goes through a tunnel: the same request without either.
  { contender: 'intercepted', peer: 'egress', atLeast: 0.6 },
];
