/**
 * The first SIGINT, SIGTERM or SIGHUP, for commands that have something to put in order. The listeners stay: a second
 * Ctrl-C must not cost what is being written then.
 */
export function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve);
  return promise;
}
