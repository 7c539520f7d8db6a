/**
 * How bytes move: listeners, targets, correlation, forwarding, tunnels, admin. The only part of the house
 * that touches sockets; what to do with a request it asks the runtime.
 */
export { ListenError } from './listen-error.ts';
export type { ProxyOptions } from './options.ts';
export { type RunningProxy, startProxy } from './start.ts';
