import { type Authority, LeafContexts } from '../authority/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { BlindTunnels } from './blind-tunnels.ts';
import { createConnector } from './connector.ts';
import { Correlator } from './correlate.ts';
import { type AnyServer, drain } from './drain.ts';
import { ProxyError } from './errors.ts';
import { ExchangePath } from './exchange-path.ts';
import type { InterceptedConnection } from './intercepted-connection.ts';
import { Interception } from './interception.ts';
import { createListener } from './listener.ts';
import { NodeForwarder } from './node-forwarder.ts';
import { DEFAULT_SERVICE_NAME, type ProxyOptions } from './options.ts';
import type { OwnListeners } from './own-listeners.ts';
import { rawErrorResponse } from './respond.ts';
import { parseOriginUrl, TargetResolver } from './target.ts';
import { TraceTable } from './trace-table.ts';
import { Tunnels } from './tunnels.ts';
import { UndiciForwarder } from './undici-forwarder.ts';
import { UntrustingClients } from './untrusting-clients.ts';
import { Upgrades } from './upgrades.ts';

/** The two listeners that carry traffic, and what they share. */
export interface Traffic {
  readonly ingress: AnyServer;
  readonly egress: AnyServer;
  readonly egressTargets: TargetResolver;
  /** Stops accepting and lets requests under way finish until a `performance.now()` time. */
  drain(deadline: number): Promise<void>;
  /** Closes the connections to upstreams. */
  close(): Promise<void>;
}

/** How long an idle client connection is kept: longer than a common load balancer's 60 s. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Makes the ingress and the egress listener, not yet listening.
 *
 * @param authority issues the certificates by which TLS is looked into; without one it passes untouched
 * @throws {TypeError} when `appUrl` or `upstream` is not `http(s)://host[:port]`
 */
export function createTraffic(
  options: ProxyOptions,
  authority: Authority | undefined,
  runtime: Runtime,
  ownListeners: OwnListeners,
): Traffic {
  const app = parseOriginUrl('appUrl', options.appUrl);
  const upstream = options.upstream === undefined ? undefined : parseOriginUrl('upstream', options.upstream);
  const ingressTargets = new TargetResolver({ fixed: app, followsAbsoluteForm: false });
  const egressTargets = new TargetResolver({ fixed: upstream, followsAbsoluteForm: true });

  const connect = createConnector(options.connectTimeoutMs ?? 5000, ownListeners, options.upstreamTls);
  const maxHeaderBytes = options.maxHeaderBytes ?? 64 * 1024;
  const forwarding = {
    connectionsPerUpstream: options.connectionsPerUpstream ?? 1024,
    headerTimeoutMs: options.headerTimeoutMs ?? 300_000,
    maxHeaderBytes,
  };
  const forwarders = {
    undici: new UndiciForwarder(connect, forwarding),
    node: new NodeForwarder(connect, forwarding),
  };
  const traces = new TraceTable(undefined, (id) => runtime.findSession(id) !== undefined);
  const correlation = { runtime, traces, fallsBackToSole: options.fallbackSession === 'sole' };
  const ingressCorrelator = new Correlator({ ...correlation, readsProxyCredentials: false });
  const egressCorrelator = new Correlator({ ...correlation, readsProxyCredentials: true });
  const serviceName = options.serviceName ?? DEFAULT_SERVICE_NAME;
  const path = {
    runtime,
    traces,
    forwarders,
    serviceName,
    writesTraceContext: options.traceContext ?? true,
    maxRuleBody: options.maxRuleBody ?? 10 * 1024 * 1024,
    logger: options.logger,
  };
  const limits = {
    maxHeaderBytes,
    headerTimeoutMs: options.headerTimeoutMs ?? 60_000,
    keepAliveTimeoutMs: KEEP_ALIVE_MS,
  };
  const upgrades = new Upgrades();
  const ingress = createListener(
    new ExchangePath({
      ...path,
      direction: 'inbound',
      targets: ingressTargets,
      correlator: ingressCorrelator,
    }),
    limits,
    upgrades,
  );
  const interception =
    authority &&
    createInterception(options, authority, limits.headerTimeoutMs, (connection) =>
      egress.emit('connection', connection),
    );
  const egress = createListener(
    new ExchangePath({
      ...path,
      direction: 'outbound',
      targets: egressTargets,
      correlator: egressCorrelator,
    }),
    limits,
    upgrades,
    interception && ((client) => void tunnels.takeTls(client)),
  );
  const tunnels = new Tunnels({
    correlator: egressCorrelator,
    runtime,
    blind: new BlindTunnels({ connect, runtime, serviceName }),
    interception,
    firstBytesTimeoutMs: limits.headerTimeoutMs,
    serve: (connection) => egress.emit('connection', connection),
  });
  ingress.on('connect', (_request, socket) => {
    const refusal = new ProxyError('method_not_allowed', 'tunnels go through the egress listener');
    socket.on('error', () => socket.destroy());
    socket.end(rawErrorResponse(refusal), () => socket.destroy());
  });
  egress.on('connect', (request, socket, head) => void tunnels.open(request, socket, head));

  return {
    ingress,
    egress,
    egressTargets,
    async drain(deadline) {
      // A server counts neither its tunnels among its connections nor what was upgraded, and yet waits for them.
      const breakOff = () => {
        upgrades.close();
        tunnels.close();
        interception?.close();
      };
      const timer = setTimeout(breakOff, Math.max(0, deadline - performance.now()));
      // The app still needs the egress while it works on requests that came in before.
      await drain(ingress, deadline);
      await drain(egress, deadline);
      clearTimeout(timer);
    },
    async close() {
      await Promise.all([forwarders.undici.close(), forwarders.node.close()]);
    },
  };
}

function createInterception(
  options: ProxyOptions,
  authority: Authority,
  handshakeTimeoutMs: number,
  serve: (connection: InterceptedConnection) => void,
): Interception {
  const { passthroughHosts = [], onUntrusted = 'fail' } = options.interception || {};
  const { logger } = options;
  return new Interception({
    contexts: new LeafContexts(authority),
    untrusting: new UntrustingClients({ certFile: authority.certFile, onUntrusted, logger }),
    passthroughHosts: passthroughHosts.map((host) => host.toLowerCase().replace(/^\*?\./, '')),
    handshakeTimeoutMs,
    logger,
    serve,
  });
}
