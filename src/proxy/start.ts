import { createServer } from 'node:http';
import {
  createControlListener,
  LocalRuntime,
  METRICS_CONTENT_TYPE,
  renderMetrics,
} from '../runtime/index.ts';
import { createAdminListener } from './admin.ts';
import { createConnector } from './connector.ts';
import { type AnyServer, drain } from './drain.ts';
import { ProxyError } from './errors.ts';
import { ExchangePath } from './exchange-path.ts';
import { createListener, urlOf } from './listener.ts';
import { NodeForwarder } from './node-forwarder.ts';
import type { ProxyOptions } from './options.ts';
import { OwnListeners } from './own-listeners.ts';
import { rawErrorResponse } from './respond.ts';
import { parseOriginUrl, TargetResolver } from './target.ts';
import { Tunnels } from './tunnels.ts';
import { UndiciForwarder } from './undici-forwarder.ts';

export type ListenerName = 'ingress' | 'egress' | 'control' | 'admin';

/** A listener could not be opened. Whatever had been opened before is closed again. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly listener: ListenerName;
  readonly port: number;

  constructor(listener: ListenerName, port: number, cause: unknown) {
    super(`the ${listener} listener cannot use port ${port}`, { cause });
    this.listener = listener;
    this.port = port;
  }
}

/** A proxy whose four listeners accept. */
export interface RunningProxy {
  readonly urls: Readonly<Record<ListenerName, string>>;
  /**
   * Stops accepting, lets requests under way finish (up to the drain time-out), writes open captures, and
   * closes. A second call waits for the first.
   *
   * @throws {AggregateError} with one error for each capture that could not be written; all is closed then too
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the proxy in this process: ingress, egress, control and admin listeners around one runtime.
 *
 * @throws {ListenError} when a port cannot be had
 * @throws {TypeError} when `appUrl` or `upstream` is not `http(s)://host[:port]`
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const app = parseOriginUrl('appUrl', options.appUrl);
  const upstream = options.upstream === undefined ? undefined : parseOriginUrl('upstream', options.upstream);
  const runtime = new LocalRuntime({ ...pickRuntimeOptions(options) });
  const own = new OwnListeners();
  const connect = createConnector(options.connectTimeoutMs ?? 5000, own);
  const forwarding = {
    connectionsPerUpstream: options.connectionsPerUpstream ?? 1024,
    headerTimeoutMs: options.headerTimeoutMs ?? 300_000,
    maxHeaderBytes: options.maxHeaderBytes ?? 64 * 1024,
  };
  const forwarders = {
    undici: new UndiciForwarder(connect, forwarding),
    node: new NodeForwarder(connect, forwarding),
  };
  const tunnels = new Tunnels(connect);
  const limits = {
    maxHeaderBytes: forwarding.maxHeaderBytes,
    headerTimeoutMs: options.headerTimeoutMs ?? 60_000,
    keepAliveTimeoutMs: 65_000,
  };
  const shared = {
    runtime,
    forwarders,
    serviceName: options.serviceName ?? 'app',
    writesTraceContext: options.traceContext ?? true,
    maxRuleBody: options.maxRuleBody ?? 10 * 1024 * 1024,
    ...(options.logger && { logger: options.logger }),
  };
  const egressTargets = new TargetResolver({ fixed: upstream, followsAbsoluteForm: true });
  const ingressTargets = new TargetResolver({ fixed: app, followsAbsoluteForm: false });

  const ingress = createListener(
    new ExchangePath({ ...shared, direction: 'inbound', targets: ingressTargets }),
    limits,
  );
  ingress.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    const refusal = new ProxyError(
      'method_not_allowed',
      'tunnels go through the egress listener, not the ingress one',
    );
    socket.end(rawErrorResponse(refusal), () => socket.destroy());
  });
  const egress = createListener(
    new ExchangePath({ ...shared, direction: 'outbound', targets: egressTargets }),
    limits,
  );
  egress.on('connect', (request, socket, head) => tunnels.open(request, socket, head));

  let isReady = false;
  const control = createServer(
    createControlListener(runtime, {
      version: options.version ?? '0.0.0',
      ...(options.apiToken !== undefined && { apiToken: options.apiToken }),
    }),
  );
  const admin = createServer(
    createAdminListener({
      isReady: () => isReady,
      renderMetrics: () => renderMetrics(runtime),
      metricsContentType: METRICS_CONTENT_TYPE,
    }),
  );

  const host = options.host ?? '127.0.0.1';
  const servers: readonly [ListenerName, AnyServer, number][] = [
    ['ingress', ingress, options.ingressPort ?? 8082],
    ['egress', egress, options.egressPort ?? 8084],
    ['control', control, options.controlPort ?? 8080],
    ['admin', admin, options.adminPort ?? 18001],
  ];
  await listenOnAll(servers, host);
  for (const [, server] of servers) own.add(server);
  const urls = {
    ingress: urlOf(ingress, host),
    egress: urlOf(egress, host),
    control: urlOf(control, host),
    admin: urlOf(admin, host),
  };
  egressTargets.addOwnUrl(urls.egress);
  isReady = true;

  const close = async (): Promise<void> => {
    isReady = false;
    const deadline = performance.now() + (options.drainTimeoutMs ?? 10_000);
    // The app still needs the egress while it works on requests that came in before.
    await drain(ingress, deadline);
    await drain(egress, deadline);
    tunnels.close();
    const results = await runtime.closeAll();
    await Promise.all([drain(control, performance.now()), drain(admin, performance.now())]);
    await Promise.all([forwarders.undici.close(), forwarders.node.close()]);
    const failures = results.flatMap((result) => (result.closed ? [] : [result.error]));
    if (failures.length > 0) throw new AggregateError(failures, 'some captures could not be written');
  };
  let closing: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  return { urls, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}

/** Opens all or none. */
async function listenOnAll(
  servers: readonly [ListenerName, AnyServer, number][],
  host: string,
): Promise<void> {
  const open: AnyServer[] = [];
  for (const [name, server, port] of servers) {
    try {
      await listen(server, port, host);
      open.push(server);
    } catch (error) {
      for (const other of open) other.close();
      throw new ListenError(name, port, error);
    }
  }
}

function listen(server: AnyServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function pickRuntimeOptions(options: ProxyOptions) {
  const { captureFile, sessionTtlMs, maxSessions, maxRecordedBody, redact, logger } = options;
  return {
    captureDir: options.captureDir ?? 'captures',
    ...(captureFile !== undefined && { captureFile }),
    ...(sessionTtlMs !== undefined && { sessionTtlMs }),
    ...(maxSessions !== undefined && { maxSessions }),
    ...(maxRecordedBody !== undefined && { maxRecordedBody }),
    ...(redact !== undefined && { redact }),
    ...(logger !== undefined && { logger }),
  };
}
